import type { Redis } from "ioredis";
import { channels, keys } from "./keys.ts";
import { asking } from "./store-scripts.ts";
import type { Colour } from "./types.ts";

/** What one colour answered within a sample. */
export interface Traffic {
  requests: number;
  /** Answers of status 5xx, and requests without an answer. */
  errors: number;
  /** Time to the answer's head, ms; absent without an answer. */
  p50?: number;
  p95?: number;
  p99?: number;
}

/** What one instance takes up, and what it answers. */
export interface Usage {
  colour: Colour;
  /** `web.1` */
  name: string;
  /** Cores, 1 is one core wholly busy. */
  cpu: number;
  /** Cores that it may have at most; absent: as many as the machine has. */
  cpus?: number;
  /** Of the time in which it had something to do, the share that it had to wait because its cores were used up, 0 to 1. */
  throttled?: number;
  /** Bytes. */
  memory: number;
  /** Bytes that it may have at most; 0: as many as the machine has. */
  limit: number;
  /** Requests that routers sent to it within the sample; absent: none. */
  requests?: number;
  /** Those of them that it did not take or answer, answered with a status of 5xx, or broke off. */
  errors?: number;
}

/** Requests of one instance. */
export type Answers = Required<Pick<Usage, "requests" | "errors">>;

/** What an instance was asked in all of `samples`. */
export function answersOf(samples: readonly Sample[], id: string): Answers {
  const sum = { requests: 0, errors: 0 };
  for (const { instances } of samples) {
    sum.requests += instances[id]?.requests ?? 0;
    sum.errors += instances[id]?.errors ?? 0;
  }
  return sum;
}

/** What was seen of an app from `at - seconds` to `at`. */
export interface Sample {
  at: number;
  seconds: number;
  colours: Partial<Record<Colour, Traffic>>;
  /** By instance id. */
  instances: Record<string, Usage>;
}

export interface Series {
  /** Adds a sample to each app's series, and tells who listens (channel `seriesEvents`, message ""). */
  append(samples: ReadonlyMap<string, Sample>): Promise<void>;
  /** The last hour's samples after the time `after`, oldest first. An app that nobody asks for anything has few. */
  read(app: string, after?: number): Promise<Sample[]>;
  /** The newest sample, unless it is too old to say how things are now. */
  latest(app: string): Promise<Sample | null>;
}

/** What is kept, ms. */
export const KEPT_MS = 3600_000;
/** Entries of one app, whatever their times are. */
const MOST = 400;
/** A sample older than this says nothing about now, ms. */
const STALE_MS = 75_000;

/** How things were in the last hour: a capped Redis stream per app. */
export function createSeries(redis: Redis): Series {
  return {
    async append(samples) {
      const batch = redis.pipeline();
      for (const [app, sample] of samples) {
        const key = keys.series(app);
        batch.xadd(key, "MAXLEN", "~", MOST, "*", "s", JSON.stringify(sample));
        batch.pexpire(key, 2 * KEPT_MS);
      }
      batch.publish(channels.seriesEvents, "");
      await asking(() => batch.exec());
    },
    async read(app, after = 0) {
      const from = Math.max(after, Date.now() - KEPT_MS);
      const rows = await asking(() => redis.xrange(keys.series(app), from, "+"));
      return rows.map(([, fields]) => parse(fields)).filter(({ at }) => at > from);
    },
    async latest(app) {
      const rows = await asking(() => redis.xrevrange(keys.series(app), "+", "-", "COUNT", 1));
      const sample = rows[0] && parse(rows[0][1]);
      return sample && sample.at > Date.now() - STALE_MS ? sample : null;
    },
  };
}

function parse(fields: string[]): Sample {
  return JSON.parse(fields[1] ?? "{}") as Sample;
}

/**
 * How near an instance is to its bounds: the larger of its share of its memory and of the time that
 * it waited for a processor, 0 to 1; null without bounds.
 */
export function saturationOf({ memory, limit, throttled }: Usage): number | null {
  if (limit === 0) return throttled ?? null;
  return Math.max(memory / limit, throttled ?? 0);
}
