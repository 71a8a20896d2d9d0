import test from "ava";
import fc from "fast-check";
import { assertHolds, assertNoticed, untilAtRest } from "../../support/invariant-runs.ts";
import { createWorld, type Sabotage } from "../../support/world.ts";

/** One executor and a reconciler beside it; the executor may die at any call, and another goes on. */
type Happening =
  | { type: "push"; good: boolean }
  | { type: "rollback" | "restart" | "config" | "cancel" | "reconcile" | "reap" | "work" }
  | { type: "scale"; worker: number }
  | { type: "kill"; call: number; after: boolean };

const plain = (
  type: "rollback" | "restart" | "config" | "cancel" | "reconcile" | "reap" | "work",
) => fc.record({ type: fc.constant(type) });
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("push" as const), good: fc.boolean() }),
  },
  ...(["rollback", "restart", "config", "cancel"] as const).map((type) => ({
    weight: 1,
    arbitrary: plain(type),
  })),
  ...(["reconcile", "reap", "work"] as const).map((type) => ({
    weight: 5,
    arbitrary: plain(type),
  })),
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
const scenario = fc.array(happening, { minLength: 5, maxLength: 30 });
/** Without what dilutes it: a reconciler that looks again and again while versions change. */
const looking = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<Happening>({ type: "push", good: true }) },
    { weight: 2, arbitrary: plain("work") },
    { weight: 8, arbitrary: plain("reconcile") },
  ),
  { minLength: 20, maxLength: 30 },
);
const RUNS = Number(process.env["TEAL_TEST_RUNS"] || 1000);

async function play(scheduler: fc.Scheduler, happenings: Happening[], sabotage?: Sabotage) {
  const world = createWorld(scheduler, sabotage, { exclusive: true });
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
      else if (it.type === "reconcile") void world.reconcilers[1]?.reconcile().catch(() => {});
      else if (it.type === "reap") void world.reapers[1]?.pass(app).catch(() => {});
      else if (it.type === "work") {
        // The dead one's lease runs out, and another goes on where it was.
        if (world.isDead(0)) world.jumpClock();
        void world.executors[world.isDead(0) ? 1 : 0]?.work(app).catch(() => {});
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

test("never two versions of what is handed over exclusively, whatever dies", async (t) => {
  t.timeout(240_000);
  const reached = { live: 0, failed: 0, rested: 0, takenUpAgain: 0 };
  await assertHolds(t, {
    ...{ play, scenario, runs: RUNS, reached },
    async count({ store }) {
      for (const deploy of await store.listDeploys("a", 100)) {
        if (deploy.state === "live" || deploy.state === "failed") reached[deploy.state]++;
        if (deploy.attempts > 1) reached.takenUpAgain++;
        if ((await store.getSteps(deploy.id))["resting"]) reached.rested++;
      }
    },
  });
});

const broken: [string, Sabotage][] = [
  ["old instances that go on", { nothingRests: true }],
  ["a reconciler that starts what rests", { restUnsaid: true }],
];

for (const [what, sabotage] of broken) {
  test(`the checks notice ${what}`, async (t) => {
    t.timeout(240_000);
    await assertNoticed(t, { play, scenario: looking, sabotage, runs: 5000 });
  });
}
