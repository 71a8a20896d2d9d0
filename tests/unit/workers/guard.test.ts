import test from "ava";
import { createCrashes, type Crash, describeCrash } from "../../../apps/crashes.ts";
import { GUARD_DEFAULTS, type Watch } from "../../../apps/guard.ts";
import { createRedisStore } from "../../../apps/store-redis.ts";
import { createWatches } from "../../../apps/watches.ts";
import { LATENCY_MS, type Counters } from "../../../router/contract.ts";
import { createReader, type Exit } from "../../../workers/engine/exits.ts";
import { createGuard } from "../../../workers/guard.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
let server: TestRedis;
let worlds = 0;

test.before(async () => {
  server = await startRedis();
});
test.after.always(() => server.stop());

/** In a database of its own, for a guard looks at all apps. An app whose second release is live and on guard, on real Redis; routers are told what they counted. */
async function startWorld(app: string) {
  const redis = server.connect({ db: worlds++ });
  const store = createRedisStore(redis);
  const watches = createWatches(redis);
  const crashes = createCrashes(redis);
  const said: string[] = [];
  const world = { now: Date.now(), answers: 0, errors: 0 };
  await store.createApp(app, "test");
  for (let i = 1; i <= 2; i++) await goLive(store, app, i);
  const [deploy] = await store.listDeploys(app, 1);
  const traffic = { answers: 5000, errors: 5, buckets: LATENCY_MS.map(() => 300).concat(0) };
  const watch: Watch = {
    ...{ app, deploy: deploy?.id ?? "", seq: deploy?.seq ?? 0, release: 2, against: 1 },
    ...{ since: world.now, until: world.now + 30_000, limits: GUARD_DEFAULTS, before: traffic },
    ...{ crashesBefore: { crashes: 0, ms: 60_000 }, state: "watching" },
  };
  await watches.open(watch);
  const counters = (): Counters => ({
    ...{ served: {}, held: 0, retried: 0, refused: 0, lost: 0 },
    releases: {
      2: {
        ...{ colour: "green", own: { 502: 0, 503: 0, 504: 0 }, cut: 0, streams: 0, seconds: 0 },
        byClass: [0, 0, world.answers - world.errors, 0, 0, world.errors],
        buckets: LATENCY_MS.map(() => 0).concat(0),
      },
    },
  });
  const start = () =>
    createGuard({
      ...{ store, watches, crashes, log: SILENT, now: () => world.now },
      routers: { counts: async () => new Map([["r1", counters()]]) },
      say: async (_deploy, _kind, text) => void said.push(text),
      wake() {},
    });
  const second = async (guard: ReturnType<typeof start>, answers: number, errors: number) => {
    Object.assign(world, { now: world.now + 1000 });
    world.answers += answers;
    world.errors += errors;
    await guard.look();
  };
  return { redis, store, watches, crashes, said, start, second, watch };
}

async function goLive(store: ReturnType<typeof createRedisStore>, app: string, n: number) {
  await store.requestDeploy({ app, kind: "push", commit: "a".repeat(40), by: "ann", why: "" });
  const taken = await store.claim(app, "x", 10_000);
  if (!taken) throw new Error("no claim");
  const { claim, deploy } = taken;
  const release = await store.createRelease(claim, {
    ...{ deploy: deploy.id, kind: "push", commit: "a".repeat(40), image: `sha256:${n}` },
    ...{ imageBytes: 1, processes: { web: "" }, formation: { web: 1 }, port: 5000 },
    ...{ by: "ann", why: "" },
  });
  const colour = n % 2 === 1 ? "blue" : "green";
  const id = `t-${deploy.id}-web-1`;
  const one = {
    id,
    deploy: deploy.id,
    release: release.n,
    colour,
    process: "web",
    index: 1,
  } as const;
  await store.recordInstances(claim, [one]);
  const address = { host: `10.0.0.${n}`, port: 5000 };
  await store.advanceInstance(claim, id, "started", address);
  await store.advanceInstance(claim, id, "healthy");
  await store.prepareSwap(claim, deploy.id, `s${n}`, { commitMs: 5000, holdMs: 1 });
  await store.commitSwap(claim, {
    ...{ id: `s${n}`, deploy: deploy.id, release: release.n, colour, startedBy: deploy.id },
    ...{ targets: [id], expectedVersion: n - 1, hosts: [`${app}.test`], drainMs: 1 },
  });
  await store.finishDeploy(claim, deploy.id, "live");
  await store.release(claim);
}

test("a regression is swapped back by a deploy of its own, with the figures", async (t) => {
  const { store, watches, said, start, second } = await startWorld("worse");
  const guard = start();
  for (let i = 0; i < 5; i++) await second(guard, 20, 10);
  const [back, bad] = await store.listDeploys("worse", 2);
  t.like(back, {
    kind: "rollback",
    by: "guard",
    toRelease: 1,
    guardOf: "worse-2",
    state: "queued",
  });
  t.regex(
    back?.why ?? "",
    /^v2 did worse than v1: 50\.0 % of \d+ answers failed since, 0\.1 % of 5000 answers before$/,
  );
  t.is(bad?.state, "live");
  t.like(await watches.get("worse"), { state: "tripped", deploy: "worse-2" });
  t.regex(said.join("\n"), /Guard: v2 did worse .* Swapping back with worse-3/);
  for (let i = 0; i < 5; i++) await second(guard, 20, 10);
  t.is((await store.listDeploys("worse", 9)).length, 3, "once is enough");
});

test("what goes on as before passes when its window is over", async (t) => {
  const { store, watches, start, second } = await startWorld("fine");
  const guard = start();
  for (let i = 0; i < 31; i++) await second(guard, 50, i % 10 === 0 ? 1 : 0);
  t.like(await watches.get("fine"), { state: "passed" });
  t.is((await store.listDeploys("fine", 9)).length, 2);
});

test("another worker goes on where one that died was watching", async (t) => {
  const { store, watches, start, second } = await startWorld("handed");
  const first = start();
  for (let i = 0; i < 2; i++) await second(first, 20, 10);
  const other = start();
  for (let i = 0; i < 4; i++) await second(other, 20, 10);
  t.is((await store.listDeploys("handed", 9))[0]?.by, "guard");
  t.like(await watches.get("handed"), { state: "tripped" });
});

test("two that watch at once swap back once", async (t) => {
  const { store, start, second } = await startWorld("twice");
  const both = [start(), start()];
  for (let i = 0; i < 6; i++) {
    await second(both[0]!, 20, 10);
    await second(both[1]!, 0, 0);
    await Promise.all(both.map((guard) => guard.look()));
  }
  t.is((await store.listDeploys("twice", 9)).filter(({ by }) => by === "guard").length, 1);
});

test("something newer comes first; should it fail, the guard swaps back after all", async (t) => {
  const { store, watches, start, second } = await startWorld("newer");
  await store.requestDeploy({
    app: "newer",
    kind: "push",
    commit: "b".repeat(40),
    by: "ann",
    why: "",
  });
  const guard = start();
  for (let i = 0; i < 40; i++) await second(guard, 20, 10);
  t.is((await store.listDeploys("newer", 9)).length, 3, "no rollback over its head");
  t.like(await watches.get("newer"), { state: "watching" }, "its window is over, and it waits");
  const taken = await store.claim("newer", "x", 10_000);
  if (taken) await store.finishDeploy(taken.claim, taken.deploy.id, "failed", "it does not start");
  if (taken) await store.release(taken.claim);
  await second(guard, 20, 10);
  t.is((await store.listDeploys("newer", 9))[0]?.by, "guard");
});

test("another release that is live ends the watch", async (t) => {
  const { store, watches, start, second } = await startWorld("moved");
  await goLive(store, "moved", 3);
  const guard = start();
  for (let i = 0; i < 5; i++) await second(guard, 20, 20);
  t.like(await watches.get("moved"), { state: "moot" });
  t.is((await store.listDeploys("moved", 9)).length, 3);
});

test("an older watch does not take a newer one's place, and a closed one stays closed", async (t) => {
  const { watches, watch } = await startWorld("order");
  await watches.open({ ...watch, deploy: "order-1", seq: 1 });
  t.is((await watches.get("order"))?.deploy, "order-2");
  t.true(await watches.close({ ...watch, state: "passed" }));
  t.false(await watches.close({ ...watch, state: "tripped" }));
  t.is((await watches.get("order"))?.state, "passed");
});

test("crashes swap back, and five of one instance are a loop that is told once", async (t) => {
  const { redis, store, crashes, start, second } = await startWorld("crashing");
  await redis.hset("teal:app:crashing:notifiers", "x", "{}");
  const crash = (at: number): Crash => ({
    ...{ at, instance: "t-crashing-2-web-1", process: "web.1", release: 2, deploy: "crashing-2" },
    ...{ cause: "exit", status: 139 },
  });
  const from = Date.now();
  const loops: boolean[] = [];
  for (let i = 0; i < 7; i++) loops.push(await crashes.record("crashing", crash(from + i * 100)));
  t.deepEqual(loops, [false, false, false, false, true, false, false]);
  t.false(await crashes.record("crashing", crash(from)), "twice is once");
  t.is((await crashes.list("crashing")).length, 7);
  t.is(describeCrash(crash(0)), "web.1 ended with status 139 (SIGSEGV)");
  const notices = await redis.lrange("teal:notices", 0, -1);
  t.deepEqual(
    notices.filter((it) => it.startsWith("crashing-2 crash-loop")),
    ["crashing-2 crash-loop web.1 ended with status 139 (SIGSEGV), time 5 within 5 minutes"],
  );
  await second(start(), 0, 0);
  const [back] = await store.listDeploys("crashing", 1);
  t.regex(back?.why ?? "", /its instances crashed 7 times in 1 s \(0 in 60 s before\)/);
});

test("what is destroyed is watched no more, and forgotten", async (t) => {
  const { redis, store, watches, start, second } = await startWorld("gone");
  const { id } = await store.destroyApp("gone");
  await second(start(), 20, 20);
  t.not((await watches.get("gone"))?.state, "watching");
  await store.forgetApp("gone", id);
  t.is(await watches.get("gone"), null);
  t.deepEqual(await redis.keys("teal:app:gone*"), []);
});

test("one worker at a time leads, and a lease that ran out is another's", async (t) => {
  const { watches } = await startWorld("lease");
  t.true(await watches.lead("a", 60_000));
  t.true(await watches.lead("a", 60_000));
  t.false(await watches.lead("b", 60_000));
  await watches.leave("b");
  t.false(await watches.lead("b", 60_000), "it was not b's to give back");
  await watches.leave("a");
  t.true(await watches.lead("b", 60_000));
  await watches.leave("b");
});

test("the engine's events become exits: what somebody stops is none", (t) => {
  const exits: Exit[] = [];
  const read = createReader((exit) => exits.push(exit));
  const event = (Action: string, ID: string, more: Record<string, string> = {}) =>
    read({
      Action,
      timeNano: 5e15,
      Actor: { ID, Attributes: { "teal.process": "web", name: ID, ...more } },
    });
  event("die", "crashed", { exitCode: "3" });
  event("kill", "stopped");
  event("die", "stopped", { exitCode: "143" });
  event("start", "stopped");
  event("die", "stopped", { exitCode: "1" });
  event("oom", "starved");
  event("die", "starved", { exitCode: "137" });
  event("die", "one-off", { exitCode: "1", "teal.one-off": "shop-1" });
  t.deepEqual(
    exits.map(({ id, status, outOfMemory, at }) => [id, status, outOfMemory, at]),
    [
      ["crashed", 3, false, 5e9],
      ["stopped", 1, false, 5e9],
      ["starved", 137, true, 5e9],
    ],
  );
});
