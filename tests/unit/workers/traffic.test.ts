import test from "ava";
import {
  LATENCY_MS,
  type Counters,
  type ReleaseCounters,
  type TargetCounters,
} from "../../../router/contract.ts";
import { answersBetween, percentile, trafficBetween } from "../../../workers/traffic.ts";

const buckets = (counts: Record<number, number>) =>
  [...LATENCY_MS, Infinity].map((bound) => counts[bound] ?? 0);

const tally = (colour: "blue" | "green", ok: number, bad: number, cut = 0): ReleaseCounters => ({
  colour,
  byClass: [0, 0, ok, 0, 0, bad],
  own: { 502: 0, 503: 0, 504: 0 },
  cut,
  streams: 0,
  buckets: buckets({ 10: ok + bad }),
  seconds: 0,
});
const counters = (releases: Record<string, ReleaseCounters>): Counters => ({
  ...{ served: {}, held: 0, retried: 0, refused: 0, lost: 0 },
  releases,
});

test("what was counted since then, over all routers and releases of a colour", (t) => {
  const before = new Map([
    ["r1", counters({ 1: tally("blue", 100, 1) })],
    ["r2", counters({ 1: tally("blue", 50, 0) })],
  ]);
  const after = new Map([
    ["r1", counters({ 1: tally("blue", 104, 2, 1), 2: tally("green", 8, 0) })],
    ["r2", counters({ 1: tally("blue", 55, 0), 2: tally("green", 2, 0) })],
  ]);
  const { blue, green } = trafficBetween(before, after);
  t.like(blue, { requests: 10, errors: 2 });
  t.like(green, { requests: 10, errors: 0 });
  t.deepEqual(trafficBetween(after, after), {});
});

test("a router that began anew counts from nothing, one that is away not at all", (t) => {
  const before = new Map([
    ["r1", counters({ 1: tally("blue", 100, 0) })],
    ["gone", counters({ 1: tally("blue", 9, 0) })],
  ]);
  const after = new Map([
    ["r1", counters({ 1: tally("blue", 3, 0) })],
    ["new", counters({ 1: tally("blue", 4, 0) })],
  ]);
  t.is(trafficBetween(before, after).blue?.requests, 7);
});

test("percentiles lie within the bucket that they fall into", (t) => {
  t.is(percentile(buckets({ 10: 100 }), 0.5), 7.5);
  t.is(percentile(buckets({ 1: 50, 100: 50 }), 0.5), 1);
  const p99 = percentile(buckets({ 5: 98, 250: 2 }), 0.99);
  t.true(p99 > 100 && p99 <= 250);
  t.is(percentile(buckets({ [Infinity]: 3 }), 0.99), 10_000);
});

test("what each instance was asked, over all routers; one that is told of anew counts from nothing", (t) => {
  const target = (since: number, ok: number, more: Partial<TargetCounters> = {}) => ({
    ...{ since, byClass: [0, 0, ok, 0, 0, 0], failed: 0, cut: 0, ...more },
  });
  const of = (targets: Record<string, TargetCounters>) => ({ ...counters({}), targets });
  const before = new Map([
    ["r1", of({ one: target(1, 100), two: target(1, 50, { failed: 3 }), gone: target(1, 9) })],
    ["r2", of({ one: target(1, 10) })],
    ["old", counters({})],
  ]);
  const after = new Map([
    ["r1", of({ one: target(1, 104), two: target(1, 51, { failed: 5, cut: 1 }) })],
    ["r2", of({ one: target(2, 12, { byClass: [0, 0, 12, 0, 0, 2] }) })],
    ["old", counters({})],
  ]);
  t.deepEqual(
    [...answersBetween(before, after)],
    [
      ["one", { requests: 18, errors: 2 }],
      ["two", { requests: 3, errors: 3 }],
    ],
  );
});
