import test from "ava";
import fc from "fast-check";
import {
  assertHolds,
  assertNoticed,
  type Play,
  untilAtRest,
} from "../../support/invariant-runs.ts";
import { createWorld, type Sabotage, type World } from "../../support/world.ts";

/** Two executors and reconcilers; each executor may die at any call, or be taken for dead and go on. */
type Plain =
  | ("rollback" | "restart" | "config" | "cancel" | "stop" | "start")
  | ("reconcile" | "reap" | "work" | "takeover" | "thaw");
type Happening =
  | { type: "push"; good: boolean }
  | { type: Plain }
  | { type: "stall"; call: number }
  | { type: "scale"; worker: number }
  | { type: "kill"; call: number; after: boolean };

const plain = (type: Plain) => fc.record({ type: fc.constant(type) });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("push" as const), good: fc.boolean() }),
  },
  ...(["rollback", "restart", "config", "cancel", "stop", "start"] as const).map((type) => ({
    weight: 1,
    arbitrary: plain(type),
  })),
  ...(["reconcile", "reap", "work"] as const).map((type) => ({
    weight: 5,
    arbitrary: plain(type),
  })),
  { weight: 3, arbitrary: plain("takeover") },
  { weight: 1, arbitrary: plain("thaw") },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("stall" as const),
      call: fc.integer({ min: 1, max: 60 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("scale" as const),
      worker: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("kill" as const),
      call: fc.integer({ min: 1, max: 60 }),
      after: fc.boolean(),
    }),
  },
);
/** Without what dilutes it: a reconciler that looks again and again while versions change. */
const looking = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<Happening>({ type: "push", good: true }) },
    { weight: 2, arbitrary: plain("work") },
    { weight: 8, arbitrary: plain("reconcile") },
  ),
  { minLength: 20, maxLength: 30 },
);
/** A handover that fails, and whose executor stands still somewhere in it until another has cleared up. */
const replaced = fc
  .integer({ min: 20, max: 80 })
  .map((call): Happening[] => [
    { type: "stall", call },
    { type: "push", good: false },
    { type: "work" },
  ]);
/** One whose executor stands still somewhere in it, and which is then called off. */
const calledOff = fc
  .integer({ min: 20, max: 80 })
  .map((call): Happening[] => [
    { type: "stall", call },
    { type: "push", good: true },
    { type: "work" },
    { type: "cancel" },
    { type: "work" },
  ]);
const scenario = fc.oneof(
  { weight: 3, arbitrary: fc.array(happening, { minLength: 5, maxLength: 30 }) },
  // Left to itself, what rests is seldom brought back.
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(happening, { maxLength: 10 }), calledOff)
      .map(([before, handover]) => [...before, ...handover]),
  },
);
const RUNS = Number(process.env["TEAL_TEST_RUNS"] || 400);

const playOf =
  (exclusive: string[]): Play<Happening> =>
  (scheduler, happenings, sabotage) =>
    play(createWorld(scheduler, sabotage, { exclusive }), scheduler, happenings);

async function play(world: World, scheduler: fc.Scheduler, happenings: Happening[]) {
  const app = "a";
  await world.store.createApp(app, "test");
  await world.request({ app, kind: "push", commit: "good" });
  const done = world.executors[0]?.work(app);
  await scheduler.waitIdle();
  await done;
  const run = async () => {
    for (const [at, it] of happenings.entries()) {
      await scheduler.schedule(Promise.resolve(), it.type);
      if (it.type === "push") {
        await world.request({ app, kind: "push", commit: `${it.good ? "good" : "bad"}${at}` });
      } else if (it.type === "restart") await world.request({ app, kind: "restart" });
      else if (it.type === "config") await world.configure(app, String(at));
      else if (it.type === "scale") await world.scale(app, { web: 1, worker: it.worker });
      else if (it.type === "kill") world.killAt(0, it.call, it.after);
      else if (it.type === "stall") world.stallAt(0, it.call);
      else if (it.type === "thaw") world.thaw();
      else if (it.type === "reconcile")
        for (const one of world.reconcilers) void one.reconcile().catch(() => {});
      else if (it.type === "reap") void world.reapers[1]?.pass(app).catch(() => {});
      else if (it.type === "stop" || it.type === "start") {
        await world.stop(app, it.type === "stop");
      } else if (it.type === "takeover") {
        // Whoever works now is taken for dead, and goes on.
        world.jumpClock();
        void world.executors[1]?.work(app).catch(() => {});
      } else if (it.type === "work") {
        // The dead one's lease runs out, and another goes on where it was.
        const gone = world.isDead(0) || world.isStalled(0);
        if (gone) world.jumpClock();
        void world.executors[gone ? 1 : 0]?.work(app).catch(() => {});
      } else if (it.type === "rollback") {
        const [, release] = await world.store.listReleases(app);
        if (release) await world.request({ app, kind: "rollback", toRelease: release.n });
      } else {
        const [newest] = await world.store.listDeploys(app, 1);
        if (newest) await world.store.cancelDeploy(newest.id, "by test").catch(() => {});
      }
    }
  };
  return untilAtRest(scheduler, world, run);
}

for (const exclusive of [["worker"], ["web"], ["web", "worker"]]) {
  test(`never two versions of ${exclusive.join(" and ")}, handed over exclusively, whatever dies`, async (t) => {
    t.timeout(240_000);
    const reached = { live: 0, failed: 0, rested: 0, takenUpAgain: 0, stopped: 0, broughtBack: 0 };
    await assertHolds(t, {
      ...{ play: playOf(exclusive), scenario, runs: RUNS, reached },
      // What fails its check mostly does so before anything rests.
      seldom: exclusive.length > 1 ? [] : ["broughtBack"],
      async count({ store }) {
        for (const deploy of await store.listDeploys("a", 100)) {
          const { state, id, attempts, stopped } = deploy;
          if (state === "live" || state === "failed") reached[state]++;
          if (state === "live" && stopped) reached.stopped++;
          if (attempts > 1) reached.takenUpAgain++;
          const rested = (await store.getSteps(id))["resting"] !== undefined;
          if (rested) reached.rested++;
          if (rested && state !== "live") reached.broughtBack++;
        }
      },
    });
  });
}

const broken: [string, string[], fc.Arbitrary<Happening[]>, Sabotage][] = [
  ["old instances that go on", ["worker"], looking, { nothingRests: true }],
  ["a reconciler that starts what rests", ["worker"], looking, { restUnsaid: true }],
  ["what successors started being stopped", ["web", "worker"], replaced, { containersStay: true }],
];

for (const [what, exclusive, happens, sabotage] of broken) {
  test(`the checks notice ${what}`, async (t) => {
    t.timeout(240_000);
    await assertNoticed(t, { play: playOf(exclusive), scenario: happens, sabotage, runs: 10_000 });
  });
}
