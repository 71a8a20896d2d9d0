import type { ExecutionContext } from "ava";
import fc from "fast-check";
import type { Sabotage, World } from "./world.ts";

/** Plays what happens in an order of the scheduler's choice; the world as it is at rest. */
export type Play<Happening> = (
  scheduler: fc.Scheduler,
  happenings: Happening[],
  sabotage?: Sabotage,
) => Promise<World>;

/** Runs `work` to its end, whatever order the scheduler takes, and then until all is at rest. */
export async function untilAtRest(
  scheduler: fc.Scheduler,
  world: World,
  work: () => Promise<void>,
): Promise<World> {
  for (const part of [work, world.quiesce]) {
    const done = part();
    await scheduler.waitIdle();
    await done;
  }
  return world;
}

interface Holding<Happening, What extends string> {
  play: Play<Happening>;
  scenario: fc.Arbitrary<Happening[]>;
  runs: number;
  /** Counted over all runs: each has to be seen in one run of fifty at least. */
  reached: Record<What, number>;
  /** Those that are seen in some run are enough. */
  seldom?: What[];
  count(world: World): Promise<void>;
}

/** No run breaks an invariant, and the runs did reach what they are about. */
export async function assertHolds<Happening, What extends string>(
  t: ExecutionContext,
  { play, scenario, runs, reached, seldom = [], count }: Holding<Happening, What>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), scenario, async (scheduler, happenings) => {
      const world = await play(scheduler, happenings);
      if (world.violations.length > 0) throw new Error(world.violations.slice(0, 3).join("; "));
      await count(world);
    }),
    { numRuns: runs, includeErrorInReport: true },
  );
  t.log(reached);
  for (const [what, times] of Object.entries<number>(reached))
    t.true(times > (seldom.some((it) => it === what) ? 0 : runs / 50), what);
}

/** Of the same scenarios without the fault. */
const SOUND_RUNS = 50;

interface Noticing<Happening> {
  play: Play<Happening>;
  scenario: fc.Arbitrary<Happening[]>;
  sabotage: Sabotage;
  /** At most. */
  runs: number;
}

/** With a fault built in, the checks find a run that breaks an invariant; without it they find none. */
export async function assertNoticed<Happening>(
  t: ExecutionContext,
  { play, scenario, sabotage, runs }: Noticing<Happening>,
): Promise<void> {
  const withFault = (fault: Sabotage | undefined, numRuns: number) =>
    fc.check(
      fc.asyncProperty(fc.scheduler(), scenario, async (scheduler, happenings) => {
        const { violations } = await play(scheduler, happenings, fault);
        return violations.length === 0;
      }),
      { numRuns, endOnFailure: true },
    );
  const result = await withFault(sabotage, runs);
  t.log(`noticed after ${result.numRuns} runs`);
  t.true(result.failed);
  const sound = await withFault(undefined, SOUND_RUNS);
  t.false(sound.failed, fc.stringify(sound.counterexample));
}
