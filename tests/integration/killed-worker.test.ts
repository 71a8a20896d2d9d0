import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { Deploy } from "../../apps/types.ts";
import { containersOf } from "../support/docker-remains.ts";
import { type Platform, startPlatform, until } from "../support/platform.ts";
import { createRepo, type Repo } from "../support/repo.ts";

/** The way of a push, step by step; the first four in `web`, the others in `worker`. */
const WEB_STEPS = ["ref-quarantined", "ref-updated", "record-written", "enqueued"];
const WORKER_STEPS = [
  ...["lock-taken", "context-unpacked", "image-built", "image-tagged"],
  ...["container-created", "container-started", "healthy"],
  ...["route-swapped", "routers-acked", "retired", "drained", "old-stopped"],
];

const APP = "ledger";

/** GET / of the app; the body, or what went wrong. */
function ask(platform: Platform): Promise<string> {
  return new Promise((resolve) => {
    const headers = { host: `${APP}.localhost` };
    request({ host: "127.0.0.1", port: platform.routerPort, headers, agent: false }, (res) => {
      let body = "";
      res.on("data", (chunk: Buffer) => (body += chunk.toString()));
      res.on("end", () => resolve(res.statusCode === 200 ? body : `status ${res.statusCode}`));
      res.on("error", (error) => resolve(`error ${error.message}`));
    })
      .on("error", (error) => resolve(`error ${error.message}`))
      .end();
  });
}

/** Asks about 50 times a second until stopped; keeps every answer that is no version. */
function keepAsking(platform: Platform) {
  const bad: string[] = [];
  const versions = new Set<string>();
  let asked = 0;
  let going = true;
  const done = (async () => {
    while (going && asked < 50_000) {
      const answer = await ask(platform);
      asked++;
      if (/^v\d+$/.test(answer)) versions.add(answer);
      else bad.push(answer);
      await sleep(20);
    }
  })();
  return { bad, versions, asked: () => asked, stop: () => ((going = false), done) };
}

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

async function begin(): Promise<{ platform: Platform; repo: Repo }> {
  const platform = await startPlatform({ routers: 2, env: { TEAL_LEASE: "2", TEAL_DRAIN: "1" } });
  const repo = createRepo("hello-plain", platform, APP);
  await repo.init();
  for (const version of ["v1", "v2"]) {
    const pushed = await repo.push({ "version.txt": version });
    if (pushed.status !== 0) throw new Error(pushed.text);
  }
  return { platform, repo };
}

test("a worker killed at any step leaves the old or the new release live, and nothing behind", async (t) => {
  t.timeout(400_000);
  const { platform, repo } = await begin();
  const load = keepAsking(platform);
  try {
    let live = "v2";
    for (const [at, step] of WORKER_STEPS.entries()) {
      const version = `v${at + 3}`;
      const restarts = platform.restarts("worker-1");
      writeFileSync(platform.faultFile, step);
      const pushed = await repo.push({ "version.txt": version });
      await until(20_000, async () => platform.restarts("worker-1") > restarts);
      await untilAtRest(platform);
      const now = await ask(platform);
      t.true([live, version].includes(now), `${step}: ${now}`);
      // A push that was told of success is live, and the worker that took over did finish it.
      if (pushed.status === 0) t.is(now, version, step);
      t.is(now, version, `${step}: ${pushed.text}`);
      live = now;
    }
    await load.stop();
    t.deepEqual(load.bad.slice(0, 3), []);
    t.log(
      `${load.asked()} requests beside ${WORKER_STEPS.length} kills, ${load.versions.size} versions seen, 0 lost`,
    );
  } finally {
    await load.stop();
    repo.remove();
    await platform.stop();
  }
});

test("web killed at any step of a push: the push gets an answer, and what was accepted is deployed", async (t) => {
  t.timeout(300_000);
  const { platform, repo } = await begin();
  const load = keepAsking(platform);
  try {
    let live = "v2";
    for (const [at, step] of WEB_STEPS.entries()) {
      const version = `v${at + 3}`;
      const restarts = platform.restarts("web");
      writeFileSync(platform.faultFile, step);
      const pushed = await repo.push({ "version.txt": version });
      t.not(pushed.status, 0, step);
      await until(20_000, async () => platform.restarts("web") > restarts);
      await until(20_000, async () => (await platform.api("GET", "/health")).status === 200);
      await untilAtRest(platform);
      const accepted = ["record-written", "enqueued"].includes(step);
      t.is(await ask(platform), accepted ? version : live, step);

      // The same push again, with nobody killed, is an ordinary push.
      const again = await repo.push();
      t.is(again.status, 0, again.text);
      t.is(await ask(platform), version);
      live = version;
    }
    await load.stop();
    t.deepEqual(load.bad.slice(0, 3), []);
  } finally {
    await load.stop();
    repo.remove();
    await platform.stop();
  }
});
