/** What an app says of its guard; a field that is absent has its default. */
export interface GuardOptions {
  off?: boolean;
  /** How long a new colour is watched, in seconds. */
  window?: number;
  /** So many more of 100 answers may fail (5xx, or broken off) than before. */
  errors?: number;
  /** So many more of 100 answers may be slow than before. */
  slow?: number;
  /** So many crashes within the window are too many. */
  crashes?: number;
  /** With fewer answers than this, before or since, answers are not judged. */
  requests?: number;
}

export type GuardLimits = Required<Omit<GuardOptions, "off">>;

export const GUARD_DEFAULTS: GuardLimits = {
  window: 30,
  errors: 5,
  slow: 15,
  crashes: 2,
  requests: 20,
};

/** The least and the most that each may be. */
export const GUARD_RANGES: Record<keyof GuardLimits, readonly [number, number]> = {
  window: [5, 3600],
  errors: [1, 100],
  slow: [5, 100],
  crashes: [1, 100],
  requests: [20, 100_000],
};

/** Null: the app has no guard. */
export function guardLimits(options: GuardOptions = {}): GuardLimits | null {
  const { off, ...limits } = options;
  return off ? null : { ...GUARD_DEFAULTS, ...limits };
}

/** Answers of one release, over all routers. */
export interface Traffic {
  answers: number;
  /** Of these: 5xx, of the app or in its stead; and those that broke off. */
  errors: number;
  /** By the time to their head, as routers count them. */
  buckets: number[];
}

/** A release on guard, or how that ended: one record per app, of its newest guarded swap. */
export interface Watch {
  app: string;
  /** The deploy that swapped, and its place among the app's deploys. */
  deploy: string;
  seq: number;
  release: number;
  /** The release before it, to which the guard swaps back. */
  against: number;
  since: number;
  until: number;
  limits: GuardLimits;
  /** Of `against`, as long as the routers remember. */
  before: Traffic;
  /** Of `against`, from the beginning of the deploy to its swap. */
  recent?: Traffic;
  /** Of `against`. */
  crashesBefore: { crashes: number; ms: number };
  state: "watching" | "passed" | "tripped" | "moot";
  endedAt?: number;
  /** What it came to: the figures, in one sentence. */
  why?: string;
}
