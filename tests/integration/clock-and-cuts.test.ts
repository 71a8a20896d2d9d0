import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import anyTest, { type TestFn } from "ava";
import { Redis } from "ioredis";
import { channels, keys } from "../../apps/keys.ts";
import type { Deploy } from "../../apps/types.ts";
import { ask, keepAsking } from "../support/asking.ts";
import { createClock } from "../support/clock.ts";
import { createWire } from "../support/cut.ts";
import { containersOf } from "../support/docker-remains.ts";
import { type Platform, startPlatform, until } from "../support/platform.ts";
import { createRepo, type Repo } from "../support/repo.ts";
import { SLOW_SERVER } from "../support/slow-server.ts";

interface Context {
  dir: string;
  clock: ReturnType<typeof createClock>;
  wires: Record<string, Awaited<ReturnType<typeof createWire>>>;
  platform: Platform;
  repo: Repo;
  redis: Redis;
}
const test = anyTest as TestFn<Context>;
const APP = "ledger";
const HOST = `${APP}.localhost`;
const LEASE_S = 4;
const HOURS = 7200;
/** It listens only when the lease of whoever started it would be over. */
const SLOWER_SERVER = SLOW_SERVER.replace("3000", String(LEASE_S * 2000));
let load: ReturnType<typeof keepAsking> | null = null;

test.before(async (t) => {
  t.timeout(120_000);
  const dir = mkdtempSync(join(tmpdir(), "teal-wires-"));
  const clock = createClock();
  Object.assign(t.context, { dir, clock, wires: {} });
  const wire = (name: string) => join(dir, `${name}.sock`);
  const workers = ["worker-1", "worker-2"];
  const platform = await startPlatform({
    ...{ routers: 2, workers: 2 },
    env: { TEAL_LEASE: String(LEASE_S), TEAL_DRAIN: "1", ...clock.env },
    envOfWorker: (name) => ({ TEAL_REDIS_URL: `unix://${wire(name)}` }),
  });
  t.context.platform = platform;
  const socket = join(platform.home, "redis.sock");
  for (const name of workers) t.context.wires[name] = await createWire(wire(name), socket);
  t.context.redis = new Redis({ path: socket });
  t.context.redis.on("error", () => undefined);
  t.context.repo = createRepo("hello-plain", platform, APP);
  await t.context.repo.init();
  for (const version of ["v1", "v2"]) {
    const pushed = await t.context.repo.push({ "version.txt": version });
    if (pushed.status !== 0) throw new Error(pushed.text);
  }
});

test.beforeEach((t) => {
  load = keepAsking(t.context.platform.routerPort, HOST);
});

test.afterEach.always(async (t) => {
  t.context.clock.set(0);
  Object.values(t.context.wires).forEach((wire) => wire.mend());
  await load?.stop();
});

test.after.always(async (t) => {
  const { dir, clock, wires, platform, repo, redis } = t.context;
  repo?.remove();
  redis?.disconnect();
  await platform?.stop();
  Object.values(wires).forEach((wire) => wire.close());
  clock.remove();
  rmSync(dir, { recursive: true, force: true });
});

const newest = async (platform: Platform): Promise<Deploy> =>
  (await platform.api("GET", `/apps/${APP}/deploys`)).body.deploys[0];

const isRunning = async (platform: Platform) => (await newest(platform)).state === "running";

/** Rolls back, and waits for the end of that. */
async function rollBack(platform: Platform): Promise<Deploy> {
  const asked = await platform.api("POST", `/apps/${APP}/rollback`, {});
  const { id } = asked.body.deploy as Deploy;
  let deploy: Deploy | null = null;
  await until(30_000, async () => {
    const { status, body } = await platform.api("GET", `/deploys/${id}`);
    deploy = body as Deploy;
    return status === 200 && !["queued", "running"].includes(deploy.state);
  });
  return deploy as unknown as Deploy;
}

/** The worker that has the app. */
async function executorOf({ redis, platform }: Context): Promise<string> {
  const lease = (await redis.get(keys.lease(APP))) ?? "";
  const name = ["worker-1", "worker-2"].find((one) => lease.includes(`-${platform.pid(one)}-`));
  if (!name) throw new Error(`no worker has the lease: ${lease}`);
  return name;
}

test.serial(
  "the clock leaps two hours ahead and back: nothing is lost, and no lock is stolen",
  async (t) => {
    t.timeout(120_000);
    const { platform, repo, clock, redis } = t.context;
    let version = 3;
    for (const offset of [HOURS, -HOURS]) {
      const push = repo.push({ "version.txt": `v${version}`, "server.js": SLOW_SERVER });
      await until(20_000, () => isRunning(platform));
      await sleep(800);
      clock.set(offset);
      const pushed = await push;
      t.is(pushed.status, 0, pushed.text);
      t.notRegex(pushed.text, /Taken up again/);
      const { id } = await newest(platform);
      t.is(await redis.hget(keys.deploy(id), "attempts"), "1");
      t.is(await ask(platform.routerPort, HOST), `v${version}`);
      version += 1;
    }
    // To and fro, all through some swaps.
    let offset = HOURS;
    const leaping = setInterval(() => clock.set((offset = -offset)), 20);
    try {
      for (let i = 0; i < 6; i++) t.is((await rollBack(platform)).state, "live");
    } finally {
      clearInterval(leaping);
    }
    t.deepEqual(load?.bad.slice(0, 3), []);
  },
);

test.serial(
  "a worker killed while the clock stands two hours back is taken over all the same",
  async (t) => {
    t.timeout(60_000);
    const { platform, repo, clock } = t.context;
    writeFileSync(platform.faultFile, "healthy");
    const push = repo.push({ "version.txt": "v5", "server.js": SLOW_SERVER });
    await until(20_000, () => isRunning(platform));
    clock.set(-HOURS);
    const pushed = await push;
    t.is(pushed.status, 0, pushed.text);
    t.regex(pushed.text, /Taken up again/);
    t.is(await ask(platform.routerPort, HOST), "v5");
    t.deepEqual(load?.bad.slice(0, 3), []);
  },
);

test.serial(
  "a worker cut off from Redis gives up before its lease ends; what it says later changes nothing",
  async (t) => {
    t.timeout(90_000);
    const { platform, repo, wires } = t.context;
    const push = repo.push({ "version.txt": "v6", "server.js": SLOWER_SERVER });
    await until(20_000, () => isRunning(platform));
    const { id } = await newest(platform);
    await until(20_000, async () => {
      const { body } = await platform.api("GET", `/deploys/${id}/log`);
      return JSON.stringify(body).includes("Checking web.1");
    });
    const cut = await executorOf(t.context);
    const other = cut === "worker-1" ? "worker-2" : "worker-1";
    const left = () => platform.platformLog().split("deploy left to its next executor").length - 1;
    const before = left();
    wires[cut]?.cut();
    // Whoever takes over finds that the one before has stopped.
    await until(LEASE_S * 1000, async () => left() > before);
    t.is(await executorOf(t.context), cut);
    await until(20_000, async () => (await executorOf(t.context)) === other);
    const pushed = await push;
    t.is(pushed.status, 0, pushed.text);
    t.regex(pushed.text, /Taken up again \(attempt 2\)/);
    const restarts = platform.restarts(cut);
    platform.signal(cut, "SIGTERM");
    await until(15_000, async () => platform.restarts(cut) > restarts);
    wires[cut]?.mend();
    await sleep(2000);
    t.is((await newest(platform)).state, "live");
    t.is(await ask(platform.routerPort, HOST), "v6");
    t.deepEqual(load?.bad.slice(0, 3), []);
    await until(30_000, async () => (await containersOf(platform.namespace)).length === 2);
  },
);

test.serial(
  "Redis killed while routers hold for a swap: what was held is answered, and the swap comes later",
  async (t) => {
    t.timeout(120_000);
    const { platform, redis } = t.context;
    await until(60_000, async () => !(await isRunning(platform)));
    const ear = redis.duplicate();
    t.teardown(() => ear.disconnect());
    ear.on("error", () => undefined);
    let kills = 0;
    let wanted = 0;
    ear.on("message", (_, text: string) => {
      const { type } = JSON.parse(text) as { type: string };
      if (kills < wanted && type === "prepare") {
        kills += 1;
        platform.signal("redis", "SIGKILL");
      }
    });
    for (let i = 1; i <= 3; i++) {
      // After a kill it has to find its way back before it can hear the next one.
      await ear.subscribe(channels.routeEvents);
      wanted = i;
      const from = await ask(platform.routerPort, HOST);
      const deploy = await rollBack(platform);
      t.is(deploy.state, "live", deploy.error);
      t.is(kills, i);
      t.not(await ask(platform.routerPort, HOST), from);
    }
    t.deepEqual(load?.bad.slice(0, 3), []);
  },
);
