import type { App, Deploy, Release } from "./types.ts";

/** Which releases keep their image; a field that is absent has its default. The records all stay. */
export interface Retention {
  /** So many of the newest good ones. */
  keep?: number;
  /** Of these, those that are not older, in days. */
  days?: number;
}

export interface RetentionLimits {
  keep: number;
  /** Null: however old they are. */
  days: number | null;
}

const DEFAULTS: RetentionLimits = { keep: 20, days: null };

/** The least and the most that each may be. */
export const RETENTION_RANGES: Record<keyof Retention, readonly [number, number]> = {
  keep: [1, 1000],
  days: [1, 3650],
};

const DAY_MS = 24 * 3600_000;

export function retentionLimits(told: Retention = {}): RetentionLimits {
  return { ...DEFAULTS, ...told };
}

export interface RetentionFacts {
  app: Pick<App, "live" | "standby" | "held">;
  releases: Pick<Release, "n" | "deploy" | "createdAt">[];
  /** The deploys of these releases, and those that are unfinished; one that is forgotten was good. */
  deploys: Pick<Deploy, "id" | "state" | "toRelease">[];
  limits: RetentionLimits;
  /** ms */
  now: number;
}

/**
 * Numbers of the releases whose image is kept: the newest good ones; and, however old, what is live,
 * warm or held, what a deploy is about to make so, and what it goes back to.
 */
export function retainedReleases(facts: RetentionFacts): Set<number> {
  const { app, releases, deploys, limits, now } = facts;
  const states = new Map(deploys.map(({ id, state }) => [id, state]));
  const going = deploys.filter(({ state }) => state === "queued" || state === "running");
  const busy = new Set(going.map(({ id }) => id));
  const slots = [app.live, app.standby, app.held].map((slot) => slot?.release);
  const needed = new Set([...slots, ...going.map(({ toRelease }) => toRelease)]);
  const oldest = limits.days === null ? 0 : now - limits.days * DAY_MS;
  const good = releases
    .filter(({ deploy }) => ["live", "held", undefined].includes(states.get(deploy)))
    .toSorted((a, b) => b.n - a.n)
    .slice(0, limits.keep)
    .filter(({ createdAt }) => createdAt >= oldest);
  const always = releases.filter(({ n, deploy }) => needed.has(n) || busy.has(deploy));
  return new Set([...good, ...always].map(({ n }) => n));
}
