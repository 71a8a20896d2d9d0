import { readdir, readFile } from "node:fs/promises";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { down } from "../../apps/cli/platform/down.ts";
import { readPlatform, type Platform } from "../../apps/cli/platform/environment.ts";
import { poll } from "../../apps/cli/platform/poll.ts";
import { createProgress } from "../../apps/cli/platform/progress.ts";
import { askRedis } from "../../apps/cli/platform/ready.ts";
import { readStatus } from "../../apps/cli/platform/status.ts";
import { platformSupervisor, up } from "../../apps/cli/platform/up.ts";
import { freePorts } from "../support/platform.ts";

const root = join(import.meta.dirname, "..", "..");
const progress = createProgress({ write: () => undefined });

/** Processes that only open the platform's ports: this is about who runs and who restarts them. */
const PROCESS = `
import { createServer } from "node:http";
import { createServer as listen } from "node:net";
import { rmSync } from "node:fs";
const env = process.env;
const [, , type] = process.argv;
console.log(type, env.TEAL_PROCESS_INDEX, "starts");
if (type === "web") {
  createServer((_req, res) => res.end("{}")).listen(Number(env.TEAL_API_PORT), "127.0.0.1");
  listen().listen(Number(env.TEAL_SSH_PORT), "127.0.0.1");
} else if (type === "router") {
  for (const port of [env.TEAL_ROUTER_PORT, env.TEAL_ROUTER_TLS_PORT]) {
    listen().listen({ port: Number(port), host: "127.0.0.1", reusePort: true });
  }
  const socket = env.TEAL_HOME + "/run/router-" + env.TEAL_PROCESS_INDEX + ".sock";
  rmSync(socket, { force: true });
  listen().listen(socket);
} else if (type === "broken") {
  console.log("the reason why it ends");
  process.exit(3);
} else setInterval(() => {}, 1000);
process.on("SIGTERM", () => {
  console.log(type, "ends");
  process.exit(0);
});
`;

async function newPlatform(t: ExecutionContext, more: Record<string, string> = {}) {
  const dir = mkdtempSync(join(tmpdir(), "teal it's "));
  writeFileSync(join(dir, "process.mjs"), PROCESS);
  const [api, router, ssh, tls] = await freePorts(4);
  const env = {
    HOME: dir,
    TEAL_HOME: join(dir, "home"),
    TEAL_NAMESPACE: "launchertest",
    TEAL_BIND: "127.0.0.1",
    TEAL_API_PORT: String(api),
    TEAL_ROUTER_PORT: String(router),
    TEAL_ROUTER_TLS_PORT: String(tls),
    TEAL_SSH_PORT: String(ssh),
    ...more,
  };
  const line = (type: string): string =>
    `${type}: node '${dir.replaceAll("'", String.raw`'\''`)}/process.mjs' ${type}`;
  const procfile = ["web", "worker", "router"].map(line).join("\n");
  // An empty root: its code does not change while the test runs.
  const project = join(dir, "project");
  const read = async (changes: Record<string, string> = {}): Promise<Platform> => {
    const platform = await readPlatform(root, { ...env, ...changes });
    return { ...platform, root: project };
  };
  mkdirSync(project);
  t.teardown(async () => {
    await down(await read(), progress);
    rmSync(dir, { recursive: true, force: true });
  });
  return { dir, read, procfile };
}

async function pids(platform: Platform): Promise<Record<string, number | null>> {
  const states = await platformSupervisor(platform).states();
  return Object.fromEntries(states.map(({ name, pid }) => [name, pid]));
}

/** Processes whose command line names the folder. */
async function running(dir: string): Promise<string[]> {
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    numbers.map(async (pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")),
  );
  return lines.filter((line) => line.includes(dir));
}

test.serial(
  "up starts all, a second up changes nothing, and down leaves nothing behind",
  async (t) => {
    const { dir, read, procfile } = await newPlatform(t, { TEAL_ROUTERS: "2" });
    const platform = await read();
    const first = await up(platform, { progress, base: false, procfile });
    t.regex(first.join("\n"), /started redis, web-1, worker-1, router-1, router-2/);
    const before = await pids(platform);
    t.is(Object.values(before).filter((pid) => pid !== null).length, 5);

    t.deepEqual(await up(await read(), { progress, base: false, procfile }), []);
    t.deepEqual(await pids(platform), before);

    const status = await readStatus(platform);
    t.true(status.up);
    t.is(status.apps, 0);

    const stopped = await down(platform, progress);
    t.deepEqual(stopped.toSorted(), Object.keys(before).toSorted());
    t.deepEqual(await running(dir), []);
    t.false((await readStatus(platform)).up);
    t.deepEqual(await down(platform, progress), [], "nothing runs: nothing is stopped");
  },
);

test.serial(
  "a process that is killed comes back, the others stay, and the crash is counted",
  async (t) => {
    const { read, procfile } = await newPlatform(t);
    const platform = await read();
    await up(platform, { progress, base: false, procfile });
    const before = await pids(platform);
    for (const name of ["web-1", "redis"]) process.kill(before[name] as number, "SIGKILL");
    const back = await poll(async () => {
      const now = await pids(platform);
      return ["web-1", "redis"].every((name) => now[name] !== null && now[name] !== before[name]);
    }, 20_000);
    t.true(back);
    const now = await pids(platform);
    t.is(now["router-1"], before["router-1"]);
    const states = await platformSupervisor(platform).states();
    t.is(states.find(({ name }) => name === "web-1")?.crashes, 1);
    t.is(states.find(({ name }) => name === "router-1")?.crashes, 0);
  },
);

test.serial(
  "a supervisor that is killed is replaced by the next up, with the processes still running",
  async (t) => {
    const { read, procfile } = await newPlatform(t);
    const platform = await read();
    await up(platform, { progress, base: false, procfile });
    const before = await pids(platform);
    process.kill((await platformSupervisor(platform).pid()) as number, "SIGKILL");
    t.true(await poll(async () => (await platformSupervisor(platform).pid()) === null, 5000));
    await up(platform, { progress, base: false, procfile });
    t.deepEqual(await pids(platform), before);
    t.not(await platformSupervisor(platform).pid(), null);
  },
);

test.serial(
  "an up with other settings restarts what they concern, one after the other",
  async (t) => {
    const { read, procfile } = await newPlatform(t, { TEAL_ROUTERS: "2" });
    await up(await read(), { progress, base: false, procfile });
    const before = await pids(await read());
    const changes = await up(await read({ TEAL_ROUTERS: "1", TEAL_WORKERS: "2" }), {
      progress,
      base: false,
      procfile,
    });
    const after = await pids(await read());
    t.deepEqual(Object.keys(after).toSorted(), [
      "redis",
      "router-1",
      "web-1",
      "worker-1",
      "worker-2",
    ]);
    t.is(after["redis"], before["redis"]);
    t.not(after["web-1"], before["web-1"]);
    t.true(changes.includes("stopped router-2"));
    t.true(changes.includes("started worker-2"));
  },
);

test.serial("up says which process does not come up, with its last lines", async (t) => {
  const { read, procfile } = await newPlatform(t);
  const error = await t.throwsAsync(
    up(await read(), {
      progress,
      base: false,
      procfile: procfile.replace(/^worker: (.*) worker$/m, "worker: $1 broken"),
      readyMs: 6000,
    }),
  );
  t.regex(error.message, /worker-1 did not come up within 6 s/);
  t.regex(error.message, /the reason why it ends/);
  t.notRegex(error.message, /web-1|router-1/);
});

test.serial(
  "up refuses to start on a port that somebody else has, and starts nothing",
  async (t) => {
    const { read, procfile } = await newPlatform(t);
    const platform = await read();
    const server = createServer().listen(platform.settings.routerPort, "127.0.0.1");
    await once(server, "listening");
    t.teardown(() => server.close());
    const error = await t.throwsAsync(up(platform, { progress, base: false, procfile }));
    t.regex(
      error.message,
      new RegExp(`Port ${platform.settings.routerPort} .*process ${process.pid}`),
    );
    t.is(await platformSupervisor(platform).pid(), null);
  },
);

test.serial("our own redis-server keeps what it was told over a stop", async (t) => {
  const { read, procfile } = await newPlatform(t);
  const platform = await read();
  await up(platform, { progress, base: false, procfile });
  await askRedis(platform.settings, async (redis) => redis.set("told", "kept"));
  const killed = (await pids(platform))["redis"] as number;
  process.kill(killed, "SIGKILL");
  await down(platform, progress);
  await up(platform, { progress, base: false, procfile });
  t.is(await askRedis(platform.settings, async (redis) => redis.get("told")), "kept");
});
