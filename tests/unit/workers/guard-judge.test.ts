import test from "ava";
import {
  GUARD_DEFAULTS,
  type GuardLimits,
  guardLimits,
  type Traffic,
} from "../../../apps/guard.ts";
import { LATENCY_MS } from "../../../router/contract.ts";
import {
  chance,
  type Finding,
  isSure,
  judge,
  type Streak,
  trafficBetween,
} from "../../../workers/guard-judge.ts";

/** A colour's traffic. `failing`: of 1 how much; `bursty`: failures come in runs of about so many. */
interface Kind {
  perSecond: number;
  failing: number;
  bursty?: number;
  /** Answers take about so long (log-normal); a tenth of them six times as long. */
  ms?: number;
}

/** mulberry32 */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const empty = (): Traffic => ({
  answers: 0,
  errors: 0,
  buckets: LATENCY_MS.map(() => 0).concat(0),
});

function createSource({ perSecond, failing, bursty = 1, ms = 20 }: Kind, random: () => number) {
  let failingFor = 0;
  return function second(into: Traffic): void {
    // Arrivals vary as those of independent people do.
    const arrivals = Math.round(perSecond + Math.sqrt(perSecond) * normal(random));
    for (let i = 0; i < arrivals; i++) {
      into.answers++;
      if (failingFor === 0 && random() < failing / bursty) failingFor = bursty;
      if (failingFor > 0) {
        failingFor--;
        into.errors++;
      }
      const took = ms * Math.exp(0.5 * normal(random)) * (random() < 0.1 ? 6 : 1);
      const bucket = LATENCY_MS.findIndex((bound) => took <= bound);
      const at = bucket < 0 ? LATENCY_MS.length : bucket;
      into.buckets[at] = (into.buckets[at] ?? 0) + 1;
    }
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Seconds until the guard swaps back, or null: one window of 30 looks, as workers/guard.ts has it. */
function watch(seed: number, before: Kind, after: Kind, beforeSeconds: number): number | null {
  const random = seeded(seed);
  const past = empty();
  const old = createSource(before, random);
  let start = empty();
  for (let s = 0; s < beforeSeconds; s++) {
    if (s === beforeSeconds - 20) start = structuredClone(past);
    old(past);
  }
  const recent = trafficBetween(start, past);
  const since = empty();
  const fresh = createSource(after, random);
  const streak: Streak = { finding: null, looks: 0 };
  let warm: Traffic | null = null;
  for (let look = 1; look <= 30; look++) {
    fresh(since);
    if (look >= 5) warm ??= structuredClone(since);
    const evidence = {
      ...{ before: past, recent, since, crashes: 0, crashesBefore: { crashes: 0, ms: 1 } },
      settled: trafficBetween(warm ?? since, since),
      elapsedMs: look * 1000,
    };
    if (isSure(streak, judge(evidence, GUARD_DEFAULTS))) return look;
  }
  return null;
}

function windows(count: number, before: Kind, after: Kind, beforeSeconds = 300) {
  const found = Array.from({ length: count }, (_, i) => watch(i + 1, before, after, beforeSeconds));
  const seconds = found.filter((it) => it !== null).toSorted((a, b) => a - b);
  return { tripped: seconds.length / count, median: seconds[Math.floor(seconds.length / 2)] };
}

const same: [string, Kind, number?][] = [
  ["no failures, 20 a second", { perSecond: 20, failing: 0 }],
  ["1 % failing, 20 a second", { perSecond: 20, failing: 0.01 }],
  ["10 % failing, 20 a second", { perSecond: 20, failing: 0.1 }],
  ["50 % failing, 5 a second", { perSecond: 5, failing: 0.5 }],
  ["2 % failing in runs of 10", { perSecond: 20, failing: 0.02, bursty: 10 }],
  ["2 % failing in runs of 10, 20 s of history", { perSecond: 20, failing: 0.02, bursty: 10 }, 20],
  ["5 % failing, one request a second", { perSecond: 1, failing: 0.05 }],
  ["slow answers, 20 a second", { perSecond: 20, failing: 0, ms: 300 }],
];

test("a release like the one before it is not swapped back", (t) => {
  for (const [what, kind, history] of same) {
    const { tripped } = windows(400, kind, kind, history);
    t.log(`${what}: ${(tripped * 100).toFixed(2)} % of windows`);
    t.true(tripped <= 0.005, what);
  }
});

const fine: Kind = { perSecond: 20, failing: 0, ms: 40 };
/** What was, what is, in how many of 1 windows it is found at least, and within how many seconds in the median. */
const worse: [string, Kind, Kind, number, number][] = [
  ["all fail", fine, { ...fine, failing: 1 }, 1, 5],
  ["all fail, 2 a second", { ...fine, perSecond: 2 }, { perSecond: 2, failing: 1 }, 0.98, 15],
  ["30 % fail", { ...fine, failing: 0.001 }, { ...fine, failing: 0.3 }, 0.99, 6],
  ["12 % fail, 1 % did before", { ...fine, failing: 0.01 }, { ...fine, failing: 0.12 }, 0.8, 20],
  ["40 % fail, 10 % did before", { ...fine, failing: 0.1 }, { ...fine, failing: 0.4 }, 0.98, 10],
  ["all take ten times as long", fine, { ...fine, ms: 400 }, 0.85, 14],
];

test("a release that does worse is swapped back, and soon", (t) => {
  for (const [what, before, after, share, within] of worse) {
    const { tripped, median } = windows(200, before, after);
    t.log(`${what}: ${(tripped * 100).toFixed(1)} % of windows, after ${median} s in the median`);
    t.true(tripped >= share, what);
    t.true((median ?? Infinity) <= within, `${what}: ${median} s`);
  }
});

test("without traffic before or since, or with a handful of requests, nothing is judged", (t) => {
  const broken: Kind = { perSecond: 20, failing: 1 };
  t.is(windows(50, { perSecond: 0, failing: 0 }, broken).tripped, 0);
  t.is(windows(50, { perSecond: 20, failing: 0 }, { perSecond: 0, failing: 1 }).tripped, 0);
  t.is(watch(1, { perSecond: 20, failing: 0 }, { perSecond: 0.3, failing: 1 }, 300), null);
});

test("failures that began before the swap are not held against the new release", (t) => {
  const evidence = {
    before: { ...empty(), answers: 100_000, errors: 900 },
    recent: { ...empty(), answers: 1000, errors: 850 },
    since: { ...empty(), answers: 600, errors: 520 },
    settled: empty(),
    ...{ crashes: 0, crashesBefore: { crashes: 0, ms: 1 }, elapsedMs: 10_000 },
  };
  t.is(judge(evidence, GUARD_DEFAULTS), null);
  t.is(judge({ ...evidence, recent: undefined }, GUARD_DEFAULTS)?.kind, "errors");
});

test("crashes count against what was usual", (t) => {
  const quiet = { before: empty(), since: empty(), settled: empty(), elapsedMs: 20_000 };
  const crashed = (crashes: number, before: number) =>
    judge({ ...quiet, crashes, crashesBefore: { crashes: before, ms: 600_000 } }, GUARD_DEFAULTS);
  t.is(crashed(1, 0), null);
  t.like(crashed(2, 0), { kind: "crashes", count: 2 });
  t.is(crashed(2, 40), null, "one every 15 s is nothing new");
  t.like(crashed(6, 40), { kind: "crashes" });
});

/** Answers of which so many failed or took about a second, after as many that were fine and fast. */
function evidenceOf({ errors = 0, slow = 0, crashes = 0, answers = 1000 }) {
  const [fast, second] = [20, 1000].map((ms) => LATENCY_MS.findIndex((bound) => ms <= bound));
  const traffic = (of: Partial<Traffic>, slower: number): Traffic => ({
    ...{ answers, errors: 0, ...of },
    buckets: empty().buckets.map((_, i) =>
      i === fast ? answers - slower : i === second ? slower : 0,
    ),
  });
  const since = traffic({ errors }, slow);
  return {
    ...{ before: traffic({}, 0), since, settled: since, crashes, elapsedMs: 10_000 },
    crashesBefore: { crashes: 0, ms: 600_000 },
  };
}

const MANY = 10_000;
type Told = Parameters<typeof evidenceOf>[0];
/** What it is judged by: below the app's own limit, at it. */
const limited: [keyof GuardLimits, own: number, below: Told, at: Told, found: Finding["kind"]][] = [
  ["errors", 20, { errors: 199 }, { errors: 200 }, "errors"],
  ["errors", 1, { errors: 99, answers: MANY }, { errors: 100, answers: MANY }, "errors"],
  ["slow", 40, { slow: 399 }, { slow: 400 }, "slow"],
  ["slow", 5, { slow: 499, answers: MANY }, { slow: 500, answers: MANY }, "slow"],
  ["crashes", 4, { crashes: 3 }, { crashes: 4 }, "crashes"],
  ["crashes", 1, { crashes: 0 }, { crashes: 1 }, "crashes"],
  ["requests", 500, { errors: 300, answers: 499 }, { errors: 300, answers: 500 }, "errors"],
];

test("each limit is the app's own where it has one", (t) => {
  for (const [name, own, below, at, found] of limited) {
    const limits = guardLimits({ [name]: own });
    if (!limits) throw new Error("it is on");
    t.is(limits[name], own);
    t.is(judge(evidenceOf(below), limits), null, `${name} ${own}, below`);
    t.is(judge(evidenceOf(at), limits)?.kind, found, `${name} ${own}, at it`);
    // With the default limits one of the two is judged otherwise.
    const kinds = [below, at].map((it) => judge(evidenceOf(it), GUARD_DEFAULTS)?.kind);
    t.notDeepEqual(kinds, [undefined, found], `${name} ${own} is not the default`);
  }
  t.is(guardLimits({ off: true, errors: 1 }), null);
});

test("the test of chance is Fisher's", (t) => {
  // Fisher's tea: of 4 and 4 cups all 4 are right in 1 of 70 cases, 3 or more in 17.
  t.true(Math.abs(chance([0, 4], [4, 4]) - 1 / 70) < 1e-9);
  t.true(Math.abs(chance([1, 4], [3, 4]) - 17 / 70) < 1e-9);
  t.is(chance([5, 10], [0, 10]), 1);
  t.true(chance([900, 1e6], [300, 1000]) < 1e-100);
});
