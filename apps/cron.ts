import { createHash, randomUUID } from "node:crypto";
import { Cron } from "croner";
import type { Redis } from "ioredis";
import { keys } from "./keys.ts";
import { asking, createScripts } from "./store-scripts.ts";

export const CONCURRENCIES = ["allow", "forbid", "replace"] as const;

/** A command that runs by the clock, as app.json says it. Part of a release. */
export interface CronJob {
  /** Of its command and schedule: a job that stays the same from release to release is the same. */
  id: string;
  command: string;
  /** Five fields, or @daily and the like; in UTC. */
  schedule: string;
  /** What becomes of a run that is due while the one before goes on. */
  concurrency: (typeof CONCURRENCIES)[number];
  /** It is left out for now. */
  maintenance?: true;
}

/** One run, or why there was none. */
export interface CronRun {
  /** When it was due: ms since the epoch. */
  due: number;
  state: "running" | "done" | "failed" | "skipped" | "missed";
  /** Its name in the log: `run.ID`. */
  run?: string;
  exit?: number;
  finishedAt?: number;
  /** skipped: why; missed: how many in a row. */
  why?: string;
}

/** What is known of a job: up to when the clock was looked at, and how it went last. */
export interface CronState {
  seen: number;
  running: CronRun[];
  last?: CronRun;
  /** Those that ended, were left out or missed, newest first: the last PAST. */
  past?: CronRun[];
}

export interface CronBook {
  read(app: string): Promise<Record<string, CronState>>;
  write(app: string, job: string, state: CronState): Promise<void>;
  /** Lets one caller alone look at the app's jobs, for half a minute; false: another does. */
  alone(app: string, act: () => Promise<void>): Promise<boolean>;
  /** True for one caller alone: who starts the run that is due then. */
  take(app: string, job: string, due: number): Promise<boolean>;
}

/** Runs of a job that are kept on record. */
export const PAST = 10;
const LOCK_MS = 30_000;
/** In s: a due time is looked at for much less long. */
const TAKEN_TTL = 7 * 24 * 3600;

/** Every method throws store-unavailable while the store is away. */
export function createCronBook(redis: Redis): CronBook {
  const { run } = createScripts(redis);
  return {
    async read(app) {
      const all = await asking(() => redis.hgetall(keys.cron(app)));
      return Object.fromEntries(
        Object.entries(all).map(([job, json]) => [job, JSON.parse(json) as CronState]),
      );
    },
    async write(app, job, state) {
      await asking(() => redis.hset(keys.cron(app), job, JSON.stringify(state)));
    },
    async alone(app, act) {
      const key = keys.cronLock(app);
      const mark = randomUUID();
      if ((await asking(() => redis.set(key, mark, "PX", LOCK_MS, "NX"))) !== "OK") return false;
      try {
        await act();
      } finally {
        await run("cron-let-go", app, mark);
      }
      return true;
    },
    async take(app, job, due) {
      const key = keys.cronTaken(app, job, due);
      return (await asking(() => redis.set(key, "1", "EX", TAKEN_TTL, "NX"))) === "OK";
    },
  };
}

/** The same for as long as command and schedule are. */
export function cronJobId({ command, schedule }: Pick<CronJob, "command" | "schedule">): string {
  return createHash("sha256").update(`${schedule}\0${command}`).digest("hex").slice(0, 8);
}

/** @throws Error that says what is wrong with it */
export function assertSchedule(schedule: string): void {
  clock(schedule);
}

/** The first time after `after`, both in ms; null: never. */
export function nextRun({ schedule }: Pick<CronJob, "schedule">, after: number): number | null {
  return clock(schedule).nextRun(new Date(after))?.getTime() ?? null;
}

/** The times in (from, to] when it is due, at most `most` of them, the oldest first. */
export function dueTimes(
  job: Pick<CronJob, "schedule">,
  { from, to, most }: { from: number; to: number; most: number },
): number[] {
  const found: number[] = [];
  let at = nextRun(job, from);
  while (at !== null && at <= to && found.length < most) {
    found.push(at);
    at = nextRun(job, at);
  }
  return found;
}

function clock(schedule: string): Cron {
  return new Cron(schedule, { timezone: "UTC", mode: "5-part", paused: true });
}
