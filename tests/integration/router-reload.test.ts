import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, get, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { channels, keys } from "../../apps/keys.ts";
import { down } from "../../apps/cli/platform/down.ts";
import { readPlatform } from "../../apps/cli/platform/environment.ts";
import { createProgress } from "../../apps/cli/platform/progress.ts";
import { askRedis } from "../../apps/cli/platform/ready.ts";
import { reload } from "../../apps/cli/platform/reload.ts";
import { platformSupervisor, up } from "../../apps/cli/platform/up.ts";
import { freePorts } from "../support/platform.ts";
import { listen, rawClient, routeTo } from "../support/router-rig.ts";
import { startSteadyLoad } from "../support/steady-load.ts";

const root = join(import.meta.dirname, "..", "..");
const progress = createProgress({ write: () => undefined });
const procfile =
  "router: node --no-allocation-site-pretenuring --initial-old-space-size=64 router/main.ts";

/** Asks on a connection of its own each time, so that accept queues are never long empty. */
function startNewcomers(port: number): () => Promise<{ answered: number; lost: string[] }> {
  const lost: string[] = [];
  let answered = 0;
  let ending = false;
  const one = async (): Promise<void> => {
    try {
      const headers = { host: "shop.test" };
      const request = get({ host: "127.0.0.1", port, headers, agent: false });
      const [response] = (await once(request, "response")) as [IncomingMessage];
      if ((await text(response)) === "ok") answered++;
      else lost.push(`status ${response.statusCode}`);
    } catch (error) {
      lost.push((error as Error).message);
    }
  };
  const run = async (): Promise<void> => {
    while (!ending) await one();
  };
  const running = Promise.all([run(), run(), run(), run()]);
  return async () => {
    ending = true;
    await running;
    return { answered, lost };
  };
}

test.serial(
  "Routers are replaced under load, by themselves and by an up with other settings: nothing is lost",
  async (t) => {
    const dir = mkdtempSync(join(tmpdir(), "teal-reload-"));
    const [api, router, ssh, tls] = await freePorts(4);
    const read = async (more: Record<string, string> = {}) =>
      readPlatform(root, {
        ...{ HOME: dir, TEAL_HOME: join(dir, "home"), TEAL_NAMESPACE: "reloadtest" },
        ...{ TEAL_BIND: "127.0.0.1", TEAL_ROUTERS: "2", TEAL_DRAIN: "3" },
        ...{ TEAL_API_PORT: String(api), TEAL_ROUTER_PORT: String(router) },
        ...{ TEAL_SSH_PORT: String(ssh), TEAL_ROUTER_TLS_PORT: String(tls), ...more },
      });
    t.teardown(async () => {
      await down(await read(), progress);
      rmSync(dir, { recursive: true, force: true });
    });
    const platform = await read();
    await t.throwsAsync(reload(platform, progress, procfile), { message: /does not run here/ });
    await up(platform, { progress, base: false, procfile });
    const app = createServer((req, res) =>
      setTimeout(() => res.end("ok"), req.url === "/" ? 3 : 2000),
    );
    const route = routeTo([await listen(app)]);
    t.teardown(() => {
      app.closeAllConnections();
      app.close();
    });
    await askRedis(platform.settings, async (redis) => {
      await redis.hset(keys.routes, "shop", JSON.stringify(route));
      await redis.incr(keys.routesSeq);
      await redis.publish(channels.routeEvents, JSON.stringify({ type: "route", route }));
    });
    const port = Number(router);
    await sleep(300);
    const supervisor = platformSupervisor(platform);
    const pids = async () =>
      Object.fromEntries((await supervisor.states()).map(({ name, pid }) => [name, pid]));
    const before = await pids();
    t.deepEqual(Object.keys(before), ["redis", "router-1", "router-2"]);

    const load = startSteadyLoad(port, "shop.test", 8);
    const newcomers = startNewcomers(port);
    await sleep(500);
    // Begun on the old processes, answered by them.
    const slow = await Promise.all(
      Array.from({ length: 8 }, () =>
        rawClient(t, port, "GET /slow HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n\r\n"),
      ),
    );
    const replaced = await reload(platform, progress, procfile);
    t.deepEqual(
      replaced.map(({ name }) => name),
      ["router-1", "router-2"],
    );
    const after = await pids();
    t.deepEqual(Object.keys(after), Object.keys(before), "the spare one is gone");
    t.is(after["redis"], before["redis"]);
    for (const name of ["router-1", "router-2"]) t.not(after[name], before[name]);
    for (const client of slow) t.regex(await client.end(), /^HTTP\/1\.1 200 [^]*ok$/);

    const changes = await up(await read({ TEAL_DRAIN: "2" }), { progress, base: false, procfile });
    t.deepEqual(
      changes.map((change) => change.slice(0, 18)),
      ["restarted router-1", "restarted router-2"],
    );
    const [kept, fresh] = [await load.stop(), await newcomers()];
    t.deepEqual([...new Set(kept.lost)], []);
    t.true(kept.answered > 500, `${kept.answered} requests on kept connections`);
    if (
      (await readFile("/proc/sys/net/ipv4/tcp_migrate_req", "latin1").catch(() => "")) === "1\n"
    ) {
      t.deepEqual([...new Set(fresh.lost)], []);
    }
    t.true(fresh.answered > 300, `${fresh.answered} requests on connections of their own`);
    for (const { crashes, name } of await supervisor.states()) t.is(crashes, 0, name);
  },
);
