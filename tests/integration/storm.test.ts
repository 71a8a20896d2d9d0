import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { testApp } from "../support/test-app.ts";
import { containersOf } from "../support/docker-remains.ts";
import { findViolations, type Phase } from "../support/linearizable.ts";
import type { LoadResult } from "../support/load-client.ts";
import { until } from "../support/platform.ts";

const CLIENT = resolve(import.meta.dirname, "../support/load-client.ts");
const CONNECTIONS = 64;
const CHANGES = 20;
const REQUESTS = 200_000;
const BETWEEN_MS = 1500;

const clock = () => Number(process.hrtime.bigint() / 1000n) / 1000;

function startLoad(port: number, host: string, file: string): ChildProcess {
  const args = [CLIENT, String(port), host, String(CONNECTIONS), String(REQUESTS), file];
  return spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
}

const test = testApp({
  ...{ app: "storm", fixture: "hello-plain", files: { "version.txt": "push-0" } },
  ...{ routers: 2, env: { TEAL_DRAIN: "2" } },
});
let load: ChildProcess | null = null;

test.serial.after.always("the load ends", () => void load?.kill("SIGKILL"));

test("20 pushes and rollbacks under load: nothing is lost and no version is mixed", async (t) => {
  t.timeout(420_000);
  const { platform, repo } = t.context;
  const phases: Phase[] = [{ version: "push-0", notBefore: 0 }];
  const file = join(platform.home, "load.json");
  load = startLoad(platform.routerPort, "storm.localhost", file);
  await sleep(1500);

  let live = "push-0";
  let standby = "";
  for (let change = 1; change <= CHANGES; change++) {
    const push = change % 2 === 1;
    const version = push ? `push-${change}` : standby;
    phases.push({ version, notBefore: clock() });
    if (push) {
      const pushed = await repo.push({ "version.txt": version });
      t.is(pushed.status, 0, pushed.text);
    } else {
      const asked = await platform.api("POST", "/apps/storm/rollback", {});
      t.is(asked.status, 202);
      t.is((await platform.ended(asked.body.deploy.id)).state, "live");
    }
    [live, standby] = [version, live];
    await sleep(BETWEEN_MS);
  }

  // On a slow machine the requests may need longer than the changes did.
  load.kill("SIGTERM");
  await once(load, "exit");
  const result = JSON.parse(readFileSync(file, "utf8")) as LoadResult;
  const requests = result.rows.map(([start, ended, at]) => ({
    start,
    end: ended,
    version: result.versions[at] ?? "",
  }));
  const perVersion = Object.groupBy(requests, (request) => request.version);
  t.log(`${requests.length} requests, ${result.downloads} downloads, ${result.messages} messages`);
  t.log(
    Object.entries(perVersion)
      .map(([version, of]) => `${version}: ${of?.length}`)
      .join(", "),
  );
  t.log(`${result.drained} WebSockets drained, ${result.refused} refused`);

  t.deepEqual(result.lost.slice(0, 5), []);
  t.is(result.refused, 0);
  t.true(requests.length >= REQUESTS, `${requests.length} requests`);
  t.true(result.downloads > 10 && result.messages > 100 && result.drained > 0);
  t.deepEqual(findViolations(requests, phases).slice(0, 3), []);
  // Every version that was live has served.
  for (const { version } of phases) t.true((perVersion[version]?.length ?? 0) > 0, version);

  // At rest: two instances on record, two containers, nothing else.
  await until(20_000, async () => (await containersOf(platform.namespace)).length === 2);
});
