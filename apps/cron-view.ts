import { nextRun, type CronBook, type CronJob, type CronRun } from "./cron.ts";
import type { Store } from "./store.ts";
import type { App } from "./types.ts";

/** A job as people see it. */
export interface CronView extends CronJob {
  /** When it runs next, ms since the epoch; null: never, or not for now. */
  next: number | null;
  last: CronRun | null;
  /** Those that go on, then those that ended, newest first. */
  runs: CronRun[];
}

/** What the app's live release runs by the clock. */
export async function viewCron(
  { name, live }: Pick<App, "name" | "live">,
  {
    store,
    cron,
  }: { store: Pick<Store, "getRelease" | "getSettings">; cron: Pick<CronBook, "read"> },
): Promise<CronView[]> {
  const release = live && (await store.getRelease(name, live.release));
  const { options } = await store.getSettings(name);
  const states = await cron.read(name);
  return (release?.cron ?? []).map((job) => {
    const paused = job.maintenance === true || options.stopped === true;
    const next = paused ? null : nextRun(job, Date.now());
    const { last = null, running = [], past = [] } = states[job.id] ?? {};
    return { ...job, next, last, runs: [...running.toReversed(), ...past] };
  });
}
