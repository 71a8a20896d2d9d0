import type { Answers, Traffic } from "../apps/series.ts";
import type { Colour } from "../apps/types.ts";
import {
  LATENCY_MS,
  type Counters,
  type ReleaseCounters,
  type TargetCounters,
} from "../router/contract.ts";

/** By router: what it has counted of an app. */
export type Counted = ReadonlyMap<string, Counters>;

/**
 * What each colour answered between two counts. A router that has counted less than before, or was
 * not there before, began anew in between.
 */
export function trafficBetween(before: Counted, after: Counted): Partial<Record<Colour, Traffic>> {
  const sums: Partial<Record<Colour, Sum>> = {};
  for (const [router, { releases }] of after) {
    for (const [release, now] of Object.entries(releases)) {
      const then = before.get(router)?.releases[release];
      const sum = (sums[now.colour] ??= newSum());
      addDifference(sum, now, then && total(then) <= total(now) ? then : undefined);
    }
  }
  const colours: Partial<Record<Colour, Traffic>> = {};
  for (const colour of ["blue", "green"] as const) {
    const sum = sums[colour];
    if (sum && sum.requests > 0) colours[colour] = trafficOf(sum);
  }
  return colours;
}

/** What each instance was asked between two counts, by its id. */
export function answersBetween(before: Counted, after: Counted): Map<string, Answers> {
  const all = new Map<string, Answers>();
  for (const [router, { targets = {} }] of after) {
    for (const [id, now] of Object.entries(targets)) {
      const then = before.get(router)?.targets?.[id];
      const sum = all.get(id) ?? { requests: 0, errors: 0 };
      addAnswers(sum, now, then?.since === now.since ? then : undefined);
      all.set(id, sum);
    }
  }
  return all;
}

function addAnswers(sum: Answers, now: TargetCounters, then: TargetCounters | undefined): void {
  const failed = now.failed - (then?.failed ?? 0);
  sum.requests += failed + total(now) - (then ? total(then) : 0);
  const bad = (now.byClass[5] ?? 0) - (then?.byClass[5] ?? 0);
  sum.errors += failed + bad + now.cut - (then?.cut ?? 0);
}

interface Sum {
  requests: number;
  errors: number;
  buckets: number[];
}

function newSum(): Sum {
  return { requests: 0, errors: 0, buckets: LATENCY_MS.concat(0).map(() => 0) };
}

function total({ byClass }: Pick<ReleaseCounters, "byClass">): number {
  return byClass.reduce((sum, count) => sum + count, 0);
}

function addDifference(sum: Sum, now: ReleaseCounters, then: ReleaseCounters | undefined): void {
  sum.requests += total(now) - (then ? total(then) : 0);
  sum.errors += (now.byClass[5] ?? 0) - (then?.byClass[5] ?? 0) + now.cut - (then?.cut ?? 0);
  now.buckets.forEach((count, i) => {
    sum.buckets[i] = (sum.buckets[i] ?? 0) + count - (then?.buckets[i] ?? 0);
  });
}

function trafficOf({ requests, errors, buckets }: Sum): Traffic {
  const timed = buckets.some((count) => count > 0);
  return {
    requests,
    errors: Math.min(errors, requests),
    ...(timed && {
      p50: percentile(buckets, 0.5),
      p95: percentile(buckets, 0.95),
      p99: percentile(buckets, 0.99),
    }),
  };
}

/** The time within which a share of the answers came, ms; within a bucket as if they were spread evenly. */
export function percentile(buckets: readonly number[], share: number): number {
  const wanted = buckets.reduce((sum, count) => sum + count, 0) * share;
  let below = 0;
  for (const [i, count] of buckets.entries()) {
    if (count > 0 && below + count >= wanted) {
      const from = LATENCY_MS[i - 1] ?? 0;
      const to = LATENCY_MS[i] ?? from;
      return Math.round((from + ((wanted - below) / count) * (to - from)) * 100) / 100;
    }
    below += count;
  }
  return LATENCY_MS.at(-1) ?? 0;
}
