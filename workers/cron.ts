import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type CronBook,
  type CronJob,
  type CronRun,
  type CronState,
  dueTimes,
  PAST,
} from "../apps/cron.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import type { App, Release } from "../apps/types.ts";
import type { AppNotes } from "./app-notes.ts";
import type { RunEngine } from "./engine/runs.ts";
import { runCommand } from "./run-command.ts";

interface Options {
  store: Pick<Store, "listApps" | "getRelease" | "getSettings">;
  book: CronBook;
  engine: Pick<RunEngine, "startDetached" | "exitOf" | "stop">;
  /** Of a container whose output is kept. */
  remove(name: string): Promise<void>;
  notes: Pick<AppNotes, "begin">;
  /** Of a command, what may be shown. */
  conceal(release: Release, text: string): string;
  namespace: string;
  /** ms since the epoch */
  now(): number;
  log: Log;
}

interface Visit {
  app: App;
  release: Release;
  job: CronJob;
  /** Nothing is started, and nothing missed. */
  paused: boolean;
}

const LOOK_MS = 1000;
/** A run that could not be started for so long after it was due is missed. */
const LATE_MS = 60_000;
const LONGEST_MS = 24 * 3600 * 1000;
const MOST_MISSED = 1000;

/** Starts what the live releases want to run by the clock, and keeps how it went. Several workers may. */
export function createCronClock(options: Options) {
  const { store, book, engine, notes, log } = options;
  /** What was live at the last look: a release never changes. */
  let live = new Map<string, Release | null>();

  async function look(): Promise<void> {
    const apps = await store.listApps();
    live = new Map(
      await Promise.all(apps.map(async (app) => [app.id, await liveOf(app)] as const)),
    );
    for (const app of apps) {
      const release = live.get(app.id);
      if (app.state !== "active" || !release?.cron?.length) continue;
      await book
        .alone(app.name, () => visitAll(app, release))
        .catch((error) => log.warn({ app: app.name, error: String(error) }, "cron put off"));
    }
  }

  async function liveOf(app: App): Promise<Release | null> {
    if (!app.live) return null;
    const before = live.get(app.id);
    return before?.n === app.live.release ? before : store.getRelease(app.name, app.live.release);
  }

  async function visitAll(app: App, release: Release): Promise<void> {
    const { options: knobs } = await store.getSettings(app.name);
    const states = await book.read(app.name);
    for (const job of release.cron ?? []) {
      const paused = job.maintenance === true || knobs.stopped === true;
      await visit({ app, release, job, paused }, states[job.id]);
    }
  }

  async function visit(wish: Visit, known: CronState | undefined): Promise<void> {
    const { app, release, job, paused } = wish;
    const now = options.now();
    const state = known ?? { seen: now, running: [] };
    const ended = await settle(app, state.running);
    const running = state.running.filter((run) => !ended.some((it) => it.run === run.run));
    const over = [...ended];
    let last = ended.at(-1) ?? state.last;
    const since = app.live?.since ?? 0;
    // What was no job of the app for a while has missed nothing meanwhile.
    const from = state.seen < since - LATE_MS ? since : state.seen;
    const due = dueTimes(job, { from, to: now, most: MOST_MISSED });
    const missed = paused ? [] : due.filter((at) => at <= now - LATE_MS);
    const ready = paused ? undefined : due.filter((at) => at > now - LATE_MS).at(-1);
    if (missed.length > 0) {
      say(app, release, job, `missed ${missed.length} run(s): no worker ran when they were due`);
      last = { due: missed.at(-1) ?? 0, state: "missed", why: `${missed.length} in a row` };
      over.push(last);
    }
    if (ready !== undefined && (await book.take(app.name, job.id, ready))) {
      last = await start({ ...wish, due: ready, running });
      (last.state === "running" ? running : over).push(last);
    }
    const changed = !known || due.length > 0 || ended.length > 0;
    if (!changed) return;
    const past = [...over.toReversed(), ...(state.past ?? [])].slice(0, PAST);
    await book.write(app.name, job.id, { seen: now, running, past, ...(last && { last }) });
    for (const { run } of ended) if (run) await options.remove(nameOf(app, run));
  }

  /** Those of the runs that have ended, with how. */
  async function settle(app: App, running: CronRun[]): Promise<CronRun[]> {
    const looks = running.map(async (run): Promise<CronRun[]> => {
      const exit = await engine.exitOf(nameOf(app, run.run ?? ""));
      if (exit === "running") return [];
      const ended = { ...run, finishedAt: options.now() };
      if (exit === null) return [{ ...ended, state: "failed", why: "how it ended is not known" }];
      return [{ ...ended, exit, state: exit === 0 ? "done" : "failed" }];
    });
    return (await Promise.all(looks)).flat();
  }

  async function start(wish: Visit & { due: number; running: CronRun[] }): Promise<CronRun> {
    const { app, release, job, due, running } = wish;
    const [before] = running;
    if (before && job.concurrency === "forbid") {
      say(app, release, job, `skipped: run.${before.run ?? ""} still goes on`);
      return { due, state: "skipped", why: `run.${before.run ?? ""} still went on` };
    }
    for (const { run = "" } of job.concurrency === "replace" ? running : []) {
      say(app, release, job, `run.${run} still goes on and is ended`);
      await engine.stop(nameOf(app, run));
    }
    const id = randomBytes(4).toString("hex");
    say(app, release, job, `starts as run.${id}`);
    const run = { id, by: null, until: options.now() + LONGEST_MS, kept: true };
    try {
      const command = runCommand([job.command], release);
      await engine.startDetached({ name: nameOf(app, id), app, release, command, run });
      return { due, state: "running", run: id };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      say(app, release, job, `could not be started: ${why}`);
      return { due, state: "failed", why };
    }
  }

  const nameOf = (app: App, id: string) => `${options.namespace}-${app.name}-run-${id}`;

  function say({ name }: App, release: Release, job: CronJob, what: string): void {
    const shown = options.conceal(release, job.command);
    notes.begin(name, { text: `cron (${job.schedule}) ${shown}: ${what}`, release: release.n });
  }

  return {
    look,
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await look().catch((error) => log.debug({ error: String(error) }, "cron put off"));
        await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
      }
    },
  };
}
