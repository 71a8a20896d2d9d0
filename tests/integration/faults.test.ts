import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Deploy } from "../../apps/types.ts";
import { testApp } from "../support/test-app.ts";
import { ask, keepAsking } from "../support/asking.ts";
import { containersOf } from "../support/docker-remains.ts";
import { type Platform, until } from "../support/platform.ts";
import { SLOW_SERVER } from "../support/slow-server.ts";

/** The load that runs beside most tests. */
let load: ReturnType<typeof keepAsking> | null = null;
const APP = "ledger";
const HOST = `${APP}.localhost`;

const test = testApp({
  app: APP,
  fixture: "hello-plain",
  files: { "version.txt": "v1" },
  routers: 2,
  workers: 2,
  env: { TEAL_LEASE: "2", TEAL_DRAIN: "1" },
});

test.beforeEach((t) => {
  load = keepAsking(t.context.platform.routerPort, HOST);
});

test.afterEach.always(async () => {
  await load?.stop();
});

const newest = async (platform: Platform): Promise<Deploy> =>
  (await platform.api("GET", `/apps/${APP}/deploys`)).body.deploys[0];

test.serial(
  "a worker stopped for longer than its lease is taken over, and does no harm when it goes on",
  async (t) => {
    t.timeout(90_000);
    const { platform, repo } = t.context;
    // Slow on purpose, so that the executor is stopped in the middle of its check.
    const slow = { "version.txt": "v2", "server.js": SLOW_SERVER };
    const push = repo.push(slow);
    await until(20_000, async () => (await newest(platform)).state === "running");
    await sleep(1200);
    platform.signal("worker-1", "SIGSTOP");
    platform.signal("worker-2", "SIGSTOP");
    await sleep(3000);
    // Both leases are over; which one had the app does not matter.
    platform.signal("worker-2", "SIGCONT");
    await sleep(1500);
    platform.signal("worker-1", "SIGCONT");
    const pushed = await push;
    t.is(pushed.status, 0, pushed.text);
    t.is(await ask(platform.routerPort, HOST), "v2");
    const deploy = await newest(platform);
    t.is(deploy.state, "live");
    t.deepEqual(load?.bad.slice(0, 3), []);
    await until(30_000, async () => (await containersOf(platform.namespace)).length === 2);
  },
);

test.serial(
  "Redis killed: apps serve on, changes answer 503, and after its return a push works",
  async (t) => {
    t.timeout(90_000);
    const { platform, repo } = t.context;
    platform.signal("redis", "SIGSTOP");
    await sleep(500);
    const asked = load?.asked() ?? 0;
    const refused = await platform.api("POST", `/apps/${APP}/rollback`, {});
    t.is(refused.status, 503);
    t.regex(refused.body.detail, /store/);
    await sleep(3000);
    t.true((load?.asked() ?? 0) > asked + 20);
    platform.signal("redis", "SIGCONT");
    platform.signal("redis", "SIGKILL");
    await until(20_000, async () => (await platform.api("GET", "/health")).status === 200);
    const pushed = await repo.push({ "version.txt": "v3" });
    t.is(pushed.status, 0, pushed.text);
    t.is(await ask(platform.routerPort, HOST), "v3");
    t.deepEqual(load?.bad.slice(0, 3), []);
  },
);

test.serial(
  "a router killed: the other takes over, and it comes back with the same table",
  async (t) => {
    t.timeout(60_000);
    const { platform } = t.context;
    platform.signal("router-1", "SIGKILL");
    await sleep(500);
    // Only what the dead process had open may break: with one request at a time, that one.
    const broken = load?.bad.length ?? 0;
    t.true(broken <= 1, String(load?.bad));
    await until(20_000, async () => platform.restarts("router-1") === 1);
    await sleep(1500);
    t.is(load?.bad.length, broken, String(load?.bad));
  },
);

test.serial(
  "a container killed behind the platform's back comes back at its address",
  async (t) => {
    t.timeout(60_000);
    const { platform } = t.context;
    await load?.stop();
    const names = await containersOf(platform.namespace);
    const { body } = await platform.api("GET", `/apps/${APP}/ps`);
    const one = body.instances.find((i: { serves: string }) => i.serves === "live");
    t.true(names.includes(one.id));
    const docker = (...args: string[]) => execFileSync("docker", args).toString().trim();
    const has = "{{.Id}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    const [before, address] = docker("inspect", "--format", has, one.id).split(" ");
    t.is(address, one.host);
    docker("rm", "-f", one.id);
    await until(30_000, async () => (await ask(platform.routerPort, HOST)) === "v3");
    const [after, now] = docker("inspect", "--format", has, one.id).split(" ");
    t.not(after, before, "another container");
    t.is(now, address, "where routers look for it");
    t.is((await platform.live(APP))[0]?.host, address);
  },
);

test.serial("an app destroyed during its deploy is gone for good", async (t) => {
  t.timeout(60_000);
  const { platform, repo } = t.context;
  await load?.stop();
  writeFileSync(`${repo.dir}/server.js`, SLOW_SERVER);
  const push = repo.push({ "version.txt": "v4" });
  await until(20_000, async () => (await newest(platform)).state === "running");
  await sleep(800);
  const destroyed = await platform.api("DELETE", `/apps/${APP}?confirm=${APP}`);
  t.true(destroyed.status < 300, JSON.stringify(destroyed));
  t.is((await push).status, 1);
  await until(30_000, async () => (await platform.api("GET", `/apps/${APP}`)).status === 404);
  // Longer than the lease of whoever was at work, and three rounds of the reconciler.
  await sleep(3000);
  t.deepEqual(await containersOf(platform.namespace), []);
  t.is(await ask(platform.routerPort, HOST), "status 404");
  t.is((await platform.api("GET", `/apps/${APP}`)).status, 404);
});
