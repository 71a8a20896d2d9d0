import test from "ava";
import fc from "fast-check";
import { assertHolds, assertNoticed, untilAtRest } from "../../support/invariant-runs.ts";
import { createWorld, type Sabotage, type World } from "../../support/world.ts";

/** What happens around the executors; `app` is a or b. */
type Happening =
  | { type: "push"; app: string; good: boolean }
  | { type: "rollback"; app: string; back: number }
  | { type: "hold"; app: string }
  | { type: "promote"; app: string }
  | { type: "holdAWhile"; app: string }
  | { type: "promoter" }
  | { type: "abort"; app: string }
  | { type: "config"; app: string }
  | { type: "restart"; app: string }
  | { type: "stop" | "start"; app: string }
  | { type: "scale"; app: string; web: number; worker: number }
  | { type: "guard"; app: string }
  | { type: "cancel"; app: string }
  | { type: "destroy"; app: string }
  | { type: "work"; executor: number }
  | { type: "kill"; executor: number; call: number; after: boolean }
  | { type: "stall"; executor: number; call: number }
  | { type: "thaw" }
  | { type: "takeover" }
  | { type: "reap"; executor: number }
  | { type: "router"; at: number; what: "cut" | "kill" | "heal" }
  | { type: "ask"; at: number; app: string };

const app = fc.constantFrom("a", "b");
const two = fc.integer({ min: 0, max: 1 });
type Weighted = { weight: number; arbitrary: fc.Arbitrary<Happening> };
const crashes: Weighted[] = [
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("push" as const), app, good: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("rollback" as const), app, back: fc.nat(3) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("cancel" as const), app }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("guard" as const), app }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("destroy" as const), app }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("work" as const), executor: two }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("kill" as const),
      executor: two,
      call: fc.integer({ min: 1, max: 40 }),
      after: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("takeover" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("thaw" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("stall" as const),
      executor: two,
      call: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("reap" as const), executor: two }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant("router" as const),
      at: two,
      what: fc.constantFrom("cut" as const, "kill" as const, "heal" as const),
    }),
  },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("ask" as const), at: two, app }) },
];
/** What people do with an app besides pushing. */
const life: Weighted[] = [
  ...(["hold", "promote", "promote", "abort", "config", "config", "restart"] as const).map(
    (type) => ({ weight: 1, arbitrary: fc.record({ type: fc.constant(type), app }) }),
  ),
  ...(["stop", "stop", "start", "start"] as const).map((type) => ({
    weight: 1,
    arbitrary: fc.record({ type: fc.constant(type), app }),
  })),
  { weight: 1, arbitrary: fc.record({ type: fc.constant("holdAWhile" as const), app }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("promoter" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("scale" as const),
      app,
      web: fc.integer({ min: 1, max: 3 }),
      worker: fc.integer({ min: 0, max: 2 }),
    }),
  },
];

async function make(world: World, it: Happening, commit: number): Promise<void> {
  if (it.type === "push") {
    await world.request({
      app: it.app,
      kind: "push",
      commit: `${it.good ? "good" : "bad"}${commit}`,
    });
  } else if (it.type === "rollback") {
    const [release] = (await world.store.listReleases(it.app)).slice(it.back);
    if (release) await world.request({ app: it.app, kind: "rollback", toRelease: release.n });
  } else if (it.type === "hold") {
    await world.request({ app: it.app, kind: "push", commit: `good${commit}`, hold: true });
  } else if (it.type === "holdAWhile") {
    const held = { hold: true, promoteAfter: 5000 };
    await world.request({ app: it.app, kind: "push", commit: `good${commit}`, ...held });
  } else if (it.type === "restart") await world.request({ app: it.app, kind: "restart" });
  else if (it.type === "stop" || it.type === "start") await world.stop(it.app, it.type === "stop");
  else if (it.type === "promote") await world.promote(it.app);
  else if (it.type === "abort") await world.store.dropHeld(it.app);
  else if (it.type === "config") await world.configure(it.app, String(commit));
  else if (it.type === "scale") await world.scale(it.app, { web: it.web, worker: it.worker });
  else if (it.type === "guard") await world.swapBack(it.app);
  else if (it.type === "cancel") {
    const [newest] = await world.store.listDeploys(it.app, 1);
    if (newest) await world.store.cancelDeploy(newest.id, "by test");
  } else if (it.type === "destroy") await world.store.destroyApp(it.app);
  else if (it.type === "kill") world.killAt(it.executor, it.call, it.after);
  else if (it.type === "stall") world.stallAt(it.executor, it.call);
  else if (it.type === "thaw") world.thaw();
  else if (it.type === "takeover") world.jumpClock();
  else if (it.type === "ask") world.routers.ask(it.at, it.app);
  else if (it.type === "router" && it.what === "heal") await world.routers.heal();
  else if (it.type === "router" && it.what === "cut") world.routers.cut(it.at);
  else if (it.type === "router" && it.what === "kill") world.routers.kill(it.at);
}

/** Starts work that goes on by itself: what ends in an error is a process's own affair. */
function begin(world: World, it: Happening): void {
  if (it.type === "work") {
    for (const name of ["a", "b"]) void world.executors[it.executor]?.work(name).catch(() => {});
  }
  if (it.type === "promoter") void world.promoteByItself().catch(() => {});
  if (it.type === "reap") {
    for (const name of ["a", "b"]) void world.reapers[it.executor]?.pass(name).catch(() => {});
  }
}

async function play(
  scheduler: fc.Scheduler,
  happenings: Happening[],
  sabotage?: Sabotage,
): Promise<World> {
  const world = createWorld(scheduler, sabotage);
  await world.store.createApp("a", "test");
  await world.store.createApp("b", "test");
  // One app begins with something live and something held, the other with nothing.
  for (const hold of [false, true]) {
    await world.request({ app: "a", kind: "push", commit: "good", hold });
    const done = world.executors[0]?.work("a");
    await scheduler.waitIdle();
    await done;
  }
  const run = async () => {
    for (const [at, it] of happenings.entries()) {
      await scheduler.schedule(Promise.resolve(), it.type);
      await make(world, it, at).catch(() => {});
      begin(world, it);
    }
  };
  return untilAtRest(scheduler, world, run);
}

const DONE = {
  push: undefined,
  domains: undefined,
  routing: undefined,
  rollback: "rolledBack",
  config: "configured",
  restart: "restarted",
  scale: "scaled",
  promote: "promoted",
} as const;

const length = { minLength: 5, maxLength: 40 };
const scenario = fc.array(fc.oneof(...crashes, ...life), length);
/** Without what dilutes them: crashes and takeovers are what these are about. */
const plainScenario = fc.array(fc.oneof(...crashes), length);
/** Two executors at one app, and a clock that ends their leases while they work. */
const zombies = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<Happening>({ type: "push", app: "a", good: true }) },
    { weight: 1, arbitrary: fc.constant<Happening>({ type: "rollback", app: "a", back: 1 }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant("work" as const), executor: two }) },
    { weight: 3, arbitrary: fc.constant<Happening>({ type: "takeover" }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant("reap" as const), executor: two }) },
  ),
  { minLength: 10, maxLength: 30 },
);
const RUNS = Number(process.env["TEAL_TEST_RUNS"] || 2000);

test("no order of pushes, rollbacks, crashes, takeovers and cut routers breaks an invariant", async (t) => {
  t.timeout(240_000);
  const reached = {
    live: 0,
    failed: 0,
    cancelled: 0,
    superseded: 0,
    takenUpAgain: 0,
    rolledBack: 0,
    configured: 0,
    restarted: 0,
    scaled: 0,
    held: 0,
    promoted: 0,
    promotedByItself: 0,
    swappedBack: 0,
    stopped: 0,
    startedAgain: 0,
  };
  await assertHolds(t, {
    ...{ play, scenario, runs: RUNS, reached },
    async count({ store }) {
      for (const name of ["a", "b"]) {
        for (const deploy of await store.listDeploys(name, 100)) {
          if (deploy.state in reached) reached[deploy.state as keyof typeof reached]++;
          if (deploy.attempts > 1) reached.takenUpAgain++;
          const what = deploy.state === "live" ? DONE[deploy.kind] : undefined;
          if (what) reached[what]++;
          if (what && deploy.promoteOf) reached.promotedByItself++;
          if (what && deploy.guardOf) reached.swappedBack++;
          if (deploy.state === "live" && deploy.stopped === true) reached.stopped++;
          if (deploy.state === "live" && deploy.stopped === false) reached.startedAgain++;
        }
      }
    },
  });
});

test("what is held comes back when its app, stopped meanwhile, is started again", async (t) => {
  const happenings: Happening[] = [
    { type: "start", app: "a" },
    { type: "hold", app: "a" },
    { type: "work", executor: 0 },
    { type: "takeover" },
    { type: "stop", app: "a" },
    { type: "start", app: "a" },
  ];
  const held = async (scheduler: fc.Scheduler) => {
    const { violations, store } = await play(scheduler, happenings);
    t.deepEqual(violations, []);
    const [first] = await store.listApps();
    t.truthy(first?.held);
  };
  await fc.assert(fc.asyncProperty(fc.scheduler(), held), { numRuns: 100 });
});

const broken: [string, Sabotage, typeof scenario][] = [
  ["a reaper that does not wait for the routers", { reaperIgnoresRouters: true }, plainScenario],
  ["executors without fencing", { noFencing: true }, zombies],
];

for (const [what, sabotage, scenarios] of broken) {
  test(`the checks notice ${what}`, async (t) => {
    t.timeout(240_000);
    await assertNoticed(t, { play, scenario: scenarios, sabotage, runs: 10_000 });
  });
}
