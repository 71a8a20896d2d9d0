import type { GuardLimits, Traffic } from "../apps/guard.ts";
import { LATENCY_MS, type Counters } from "../router/contract.ts";

/** What one look at a release on guard found. Figures are since its swap. */
export interface Evidence {
  before: Traffic;
  recent?: Traffic | undefined;
  since: Traffic;
  /** Since the first few seconds, in which a new process is slow by nature. */
  settled: Traffic;
  crashes: number;
  crashesBefore: { crashes: number; ms: number };
  elapsedMs: number;
}

/** A regression, and how many answers or crashes speak for it. */
export interface Finding {
  kind: "errors" | "slow" | "crashes";
  count: number;
  says: string;
}

/** By chance less often than once in ten thousand looks. */
const ALPHA = 1e-4;
/** Against the last minutes alone there is less to compare with. */
const RECENT_ALPHA = 0.01;
/** Fewer failures, whatever their share, are no regression. */
const LEAST_ERRORS = 5;
/** Failures come in runs: one broken page, one client that tries again. So many count as one. */
const CLUSTER = 5;
/** Nobody is bothered by less. */
const SLOW_FROM_MS = 100;

/**
 * Compares a release with the one before it (docs/decisions/075). Null: nothing regressed that can
 * be told from chance.
 */
export function judge(evidence: Evidence, limits: GuardLimits): Finding | null {
  return (
    judgeCrashes(evidence, limits) ?? judgeErrors(evidence, limits) ?? judgeSlow(evidence, limits)
  );
}

/** Looks in a row, a second apart, that found the same. */
export interface Streak {
  finding: Finding | null;
  looks: number;
}

/** A burst is over by then, or answers have got better. */
export const LOOKS = 3;

/** Is what was found now, after what was found before, reason enough to swap back? */
export function isSure(streak: Streak, finding: Finding | null): boolean {
  const { finding: last, looks } = streak;
  const same = finding !== null && last?.kind === finding.kind;
  // What has stopped is no reason to go back: more of it must come in.
  const grows = same && finding.count > last.count;
  streak.looks = finding === null ? 0 : same ? looks + (grows ? 1 : 0) : 1;
  streak.finding = finding;
  return finding?.kind === "crashes" || streak.looks >= LOOKS;
}

function judgeCrashes(evidence: Evidence, limits: GuardLimits): Finding | null {
  const { crashes, crashesBefore, elapsedMs } = evidence;
  const usual = (crashesBefore.crashes * elapsedMs) / Math.max(crashesBefore.ms, elapsedMs, 1);
  if (crashes < limits.crashes || crashes <= 2 * usual) return null;
  const was = `${crashesBefore.crashes} in ${duration(crashesBefore.ms)} before`;
  const says = `its instances crashed ${crashes} times in ${duration(elapsedMs)} (${was})`;
  return { kind: "crashes", count: crashes, says };
}

function judgeErrors({ before, recent, since }: Evidence, limits: GuardLimits): Finding | null {
  if (since.errors < LEAST_ERRORS) return null;
  const failed = (traffic: Traffic) => [traffic.errors, traffic.answers] as const;
  const rise = riseOf(failed(before), recent && failed(recent), failed(since), limits.requests);
  if (rise === null || rise < limits.errors / 100) return null;
  const says = `${share(...failed(since))} failed since, ${share(...failed(before))} before`;
  return { kind: "errors", count: since.errors, says };
}

function judgeSlow({ before, recent, settled }: Evidence, limits: GuardLimits): Finding | null {
  const from = slowFrom(before);
  if (from === null) return null;
  const slow = ({ buckets, answers }: Traffic) =>
    [buckets.slice(from + 1).reduce((sum, count) => sum + count, 0), answers] as const;
  const [count] = slow(settled);
  const rise = riseOf(slow(before), recent && slow(recent), slow(settled), limits.requests);
  if (rise === null || rise < limits.slow / 100) return null;
  const than = `took more than ${LATENCY_MS[from]} ms`;
  const says = `${share(...slow(settled))} ${than} since, ${share(...slow(before))} before`;
  return { kind: "slow", count, says };
}

/** The bucket whose bound is twice that within which 95 of 100 answers came; null: there is none. */
function slowFrom({ buckets, answers }: Traffic): number | null {
  let seen = 0;
  const p95 = buckets.findIndex((count) => (seen += count) >= 0.95 * answers);
  const bound = LATENCY_MS[p95];
  if (bound === undefined) return null;
  const from = LATENCY_MS.findIndex((ms) => ms >= Math.max(2 * bound, SLOW_FROM_MS));
  return from < 0 ? null : from;
}

type Share = readonly [of: number, all: number];

/** By how much a share has risen against both comparisons; null when that may be chance, or too little is known. */
function riseOf(before: Share, recent: Share | undefined, since: Share, least: number) {
  if (before[1] < least || since[1] < least) return null;
  if (chance(clusters(before), clusters(since)) > ALPHA) return null;
  const rates = [before[0] / before[1]];
  if (recent && recent[1] >= least) {
    if (chance(clusters(recent), clusters(since)) > RECENT_ALPHA) return null;
    rates.push(recent[0] / recent[1]);
  }
  return since[0] / since[1] - Math.max(...rates);
}

function clusters([of, all]: Share): Share {
  return [Math.round(of / CLUSTER), Math.round(all / CLUSTER)];
}

/**
 * Fisher's exact test, one-sided: how likely it is that, of all that were hit, so many or more fall
 * into the second group by chance.
 */
export function chance([hitsA, allA]: Share, [hitsB, allB]: Share): number {
  const hits = hitsA + hitsB;
  const all = allA + allB;
  const most = Math.min(hits, allB);
  const whole = logChoose(all, allB);
  let sum = 0;
  for (let k = hitsB; k <= most; k++) {
    const term = Math.exp(logChoose(hits, k) + logChoose(all - hits, allB - k) - whole);
    sum += term;
    // Beyond the peak the terms only shrink.
    if (k > (hits * allB) / all && term < sum * 1e-12) break;
  }
  return Math.min(1, sum);
}

function logChoose(n: number, k: number): number {
  if (k < 0 || k > n) return -Infinity;
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const EXACT = [0];
for (let n = 1; n < 128; n++) EXACT.push((EXACT[n - 1] as number) + Math.log(n));

/** Stirling's series beyond the table: its error there is below 1e-11. */
function logFactorial(n: number): number {
  const exact = EXACT[n];
  if (exact !== undefined) return exact;
  return n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + 1 / (12 * n) - 1 / (360 * n ** 3);
}

/** Of one release, over all routers. */
export function trafficOf(counts: Iterable<Counters>, release: number): Traffic {
  const sum: Traffic = { answers: 0, errors: 0, buckets: LATENCY_MS.map(() => 0).concat(0) };
  for (const { releases } of counts) {
    const one = releases[release];
    if (!one) continue;
    sum.answers += one.byClass.reduce((total, count) => total + count, 0);
    sum.errors += (one.byClass[5] ?? 0) + one.cut;
    one.buckets.forEach((count, i) => (sum.buckets[i] = (sum.buckets[i] ?? 0) + count));
  }
  return sum;
}

/** What was answered between two counts; nothing below zero, should a router have begun anew. */
export function trafficBetween(from: Traffic, to: Traffic): Traffic {
  const less = (a: number, b: number) => Math.max(0, a - b);
  return {
    answers: less(to.answers, from.answers),
    errors: less(to.errors, from.errors),
    buckets: to.buckets.map((count, i) => less(count, from.buckets[i] ?? 0)),
  };
}

function share(of: number, all: number): string {
  return `${((100 * of) / Math.max(all, 1)).toFixed(1)} % of ${all} answers`;
}

function duration(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}
