import { writeFileSync } from "node:fs";
import type { ExecutionContext } from "ava";
import type { Deploy } from "../../apps/types.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { ask, keepAsking } from "../support/asking.ts";
import { containersOf } from "../support/docker-remains.ts";
import { type Platform, until } from "../support/platform.ts";

/** The way of a push, step by step; the first four in `web`, the others in `worker`. */
const WEB_STEPS = ["ref-quarantined", "ref-updated", "record-written", "enqueued"];
const WORKER_STEPS = [
  ...["lock-taken", "context-unpacked", "image-built", "image-tagged"],
  ...["container-created", "container-started", "healthy"],
  ...["route-swapped", "routers-acked", "retired", "drained", "old-stopped"],
];

const APP = "ledger";
const HOST = `${APP}.localhost`;

/** Waits until every deploy has ended, and no container is left that nobody needs. */
async function untilAtRest(platform: Platform): Promise<void> {
  await until(60_000, async () => {
    const deploys = (await platform.api("GET", `/apps/${APP}/deploys`)).body.deploys as Deploy[];
    const open = deploys.filter((deploy) => ["queued", "running"].includes(deploy.state));
    const ps = (await platform.api("GET", `/apps/${APP}/ps`)).body.instances as {
      id: string;
      serves: string | null;
    }[];
    const recorded = ps.map((instance) => instance.id).toSorted();
    const running = (await containersOf(platform.namespace)).toSorted();
    const agree = JSON.stringify(recorded) === JSON.stringify(running);
    return open.length === 0 && agree && ps.every((instance) => instance.serves !== null);
  });
}

const test = testApp({
  ...{ app: APP, fixture: "hello-plain", files: { "version.txt": "v1" } },
  ...{ routers: 2, env: { TEAL_LEASE: "2", TEAL_DRAIN: "1" } },
});
/** What is live, and the number of the next version. */
let live = "v1";
let next = 2;

/** Requests go on until `work` is done; none of them gets anything but a version's answer. */
async function underLoad(t: ExecutionContext<AppWorld>, work: () => Promise<void>): Promise<void> {
  const load = keepAsking(t.context.platform.routerPort, HOST);
  try {
    await work();
  } finally {
    await load.stop();
  }
  t.deepEqual(load.bad.slice(0, 3), []);
  t.log(`${load.asked()} requests, ${load.versions.size} versions seen, 0 lost`);
}

test.serial.before("a standby", async (t) => {
  live = `v${next++}`;
  await t.context.repo.goLive({ "version.txt": live });
});

test.serial(
  "a worker killed at any step leaves the old or the new release live, and nothing behind",
  async (t) => {
    t.timeout(400_000);
    const { platform, repo } = t.context;
    await underLoad(t, async () => {
      for (const step of WORKER_STEPS) {
        const version = `v${next++}`;
        const restarts = platform.restarts("worker-1");
        writeFileSync(platform.faultFile, step);
        const pushed = await repo.push({ "version.txt": version });
        await until(20_000, async () => platform.restarts("worker-1") > restarts);
        await untilAtRest(platform);
        const now = await ask(platform.routerPort, HOST);
        t.true([live, version].includes(now), `${step}: ${now}`);
        // A push that was told of success is live, and the worker that took over did finish it.
        if (pushed.status === 0) t.is(now, version, step);
        t.is(now, version, `${step}: ${pushed.text}`);
        live = now;
      }
    });
  },
);

test.serial("a worker that is told to stop leaves a long build to the next one", async (t) => {
  t.timeout(120_000);
  const { platform, repo } = t.context;
  const manifest = {
    ...{ name: APP, version: "1.0.0", private: true, type: "module", engines: { node: "24.x" } },
    scripts: { build: "node -e 'setTimeout(() => {}, 8000)'", start: "node server.js" },
  };
  const before = platform.restarts("worker-1");
  await underLoad(t, async () => {
    live = `v${next++}`;
    const pushing = repo.push({ "package.json": JSON.stringify(manifest), "version.txt": live });
    const newest = async () =>
      (await platform.api("GET", `/apps/${APP}/deploys?limit=1`)).body.deploys[0] as Deploy;
    const log = async () =>
      JSON.stringify((await platform.api("GET", `/deploys/${(await newest()).id}/log`)).body);
    await until(30_000, async () => (await log()).includes("npm run build"));
    const began = performance.now();
    platform.signal("worker-1", "SIGTERM");
    await until(20_000, async () => platform.restarts("worker-1") > before);
    const ms = performance.now() - began;
    t.true(ms < 9000, `it ended after ${Math.round(ms)} ms`);
    const pushed = await pushing;
    t.is(pushed.status, 0, pushed.text);
    t.regex(pushed.text, /was told to stop[^]*Taken up again \(attempt 2\)/);
    t.is((await newest()).state, "live");
    t.is(await ask(platform.routerPort, HOST), live);
  });
});

test.serial(
  "web killed at any step of a push: the push gets an answer, and what was accepted is deployed",
  async (t) => {
    t.timeout(300_000);
    const { platform, repo } = t.context;
    await underLoad(t, async () => {
      for (const step of WEB_STEPS) {
        const version = `v${next++}`;
        const restarts = platform.restarts("web");
        writeFileSync(platform.faultFile, step);
        const pushed = await repo.push({ "version.txt": version });
        t.not(pushed.status, 0, step);
        await until(20_000, async () => platform.restarts("web") > restarts);
        await until(20_000, async () => (await platform.api("GET", "/health")).status === 200);
        await untilAtRest(platform);
        const accepted = ["record-written", "enqueued"].includes(step);
        t.is(await ask(platform.routerPort, HOST), accepted ? version : live, step);

        // The same push again, with nobody killed, is an ordinary push.
        const again = await repo.push();
        t.is(again.status, 0, again.text);
        t.is(await ask(platform.routerPort, HOST), version);
        live = version;
      }
    });
  },
);
