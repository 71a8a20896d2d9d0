import type { App, Deploy, DeployState, Release } from "./types.ts";

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

/** What was told, and the defaults of the rest. */
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

export interface Retained {
  kept: boolean;
  /** "it is the standby" */
  why: string;
}

/** Numbers of the releases whose image is kept. */
export function retainedReleases(facts: RetentionFacts): Set<number> {
  return new Set([...whyRetained(facts)].filter(([, { kept }]) => kept).map(([n]) => n));
}

/**
 * Whether each release's image is kept, and why: the newest good ones are; and, however old, what is
 * live, warm or held, what a deploy is about to make so, and what it goes back to.
 */
export function whyRetained(facts: RetentionFacts): Map<number, Retained> {
  const { releases, deploys, limits } = facts;
  const states = new Map(deploys.map(({ id, state }) => [id, state]));
  const isGood = ({ deploy }: { deploy: string }) =>
    ["live", "held", undefined].includes(states.get(deploy));
  const good = releases.filter(isGood).toSorted((a, b) => b.n - a.n);
  const newest = new Set(good.slice(0, limits.keep).map(({ n }) => n));
  const needed = needsOf(facts);
  return new Map(
    releases.map((release): [number, Retained] => {
      const { n, deploy } = release;
      const need = needed.get(n) ?? needed.get(deploy);
      if (need !== undefined) return [n, { kept: true, why: need }];
      const state = states.get(deploy);
      if (!isGood(release)) return [n, { kept: false, why: `its deploy ${endOf(state)}` }];
      return [n, byAge(release, newest.has(n), facts)];
    }),
  );
}

/** Releases that are kept however old they are, by their number or their deploy, with the reason. */
function needsOf({ app, deploys }: Needs): Map<number | string, string> {
  const going = deploys.filter(({ state }) => state === "queued" || state === "running");
  const slots = {
    "it is live": app.live,
    "it is the standby": app.standby,
    "it is held": app.held,
  };
  return new Map<number | string, string>([
    ...going.map(({ id }) => [id, "its deploy goes on"] as const),
    ...going.flatMap(({ id, toRelease }) =>
      toRelease === undefined ? [] : [[toRelease, `${id} goes back to it`] as const],
    ),
    ...Object.entries(slots).flatMap(([why, slot]) => (slot ? [[slot.release, why] as const] : [])),
  ]);
}

type Needs = Pick<RetentionFacts, "app" | "releases" | "deploys">;

/** Numbers of the releases that are kept however old they are, and however full the disk is. */
export function neededReleases(facts: Needs): Set<number> {
  const needs = needsOf(facts);
  const needed = facts.releases.filter(({ n, deploy }) => needs.has(n) || needs.has(deploy));
  return new Set(needed.map(({ n }) => n));
}

function byAge(
  { createdAt }: { createdAt: number },
  isNewest: boolean,
  { limits: { keep, days }, now }: RetentionFacts,
): Retained {
  if (!isNewest) return { kept: false, why: `${keep} newer good ones are kept` };
  if (days !== null && createdAt < now - days * DAY_MS) {
    return { kept: false, why: `it is older than ${days} days` };
  }
  return { kept: true, why: `it is one of the newest ${keep} good ones` };
}

function endOf(state: DeployState | undefined): string {
  return state === "failed" ? "failed" : `was ${state ?? "forgotten"}`;
}
