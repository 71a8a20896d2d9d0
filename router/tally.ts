import { LATENCY_MS, type ReleaseCounters, type TargetCounters } from "./contract.ts";

type Colour = ReleaseCounters["colour"];

/** So many releases are told apart; older ones live on in the sums by colour only. */
const MOST = 8;

/** Counters of an app, release by release. */
export interface Tallies {
  /** Those of one release, made when it is new here. */
  of(release: number, colour: Colour): ReleaseCounters;
  readonly byRelease: Record<string, ReleaseCounters>;
  /** Of all releases since the process started; a colour's sums never shrink. */
  byColour(): Record<Colour, ReleaseCounters>;
}

export function createTallies(): Tallies {
  const byRelease: Record<string, ReleaseCounters> = {};
  const past = { blue: newTally("blue"), green: newTally("green") };

  function of(release: number, colour: Colour): ReleaseCounters {
    const tally = (byRelease[release] ??= newTally(colour));
    const numbers = Object.keys(byRelease).map(Number);
    const oldest = Math.min(...numbers.filter((n) => n !== release));
    if (numbers.length > MOST) {
      const gone = byRelease[oldest] as ReleaseCounters;
      add(past[gone.colour], gone);
      delete byRelease[oldest];
    }
    return tally;
  }

  function byColour(): Record<Colour, ReleaseCounters> {
    const sums = { blue: newTally("blue"), green: newTally("green") };
    for (const each of [past.blue, past.green, ...Object.values(byRelease)]) {
      add(sums[each.colour], each);
    }
    return sums;
  }

  return { of, byRelease, byColour };
}

export function newTally(colour: Colour): ReleaseCounters {
  return {
    colour,
    byClass: [0, 0, 0, 0, 0, 0],
    own: { 502: 0, 503: 0, 504: 0 },
    ...{ cut: 0, streams: 0, seconds: 0 },
    buckets: Array.from({ length: LATENCY_MS.length + 1 }, () => 0),
  };
}

/** So many instances are known; of one that was forgotten is counted from nothing. */
const MOST_INSTANCES = 2000;

/** Counters of instances by id: an instance keeps its own from colour to colour, whatever target it is. */
export function createInstanceTallies(): (id: string) => TargetCounters {
  const known = new Map<string, TargetCounters>();
  return (id) => {
    const fresh = { since: Date.now(), byClass: [0, 0, 0, 0, 0, 0], failed: 0, cut: 0 };
    const counters = known.get(id) ?? fresh;
    known.delete(id);
    known.set(id, counters);
    for (const oldest of known.keys()) if (known.size > MOST_INSTANCES) known.delete(oldest);
    return counters;
  };
}

/** Counts an answer whose head took `ms` since the request's was there. */
export function countAnswer(tally: ReleaseCounters, status: number, ms: number): void {
  countByClass(tally, status);
  let bucket = 0;
  while (bucket < LATENCY_MS.length && ms > (LATENCY_MS[bucket] as number)) bucket++;
  tally.buckets[bucket] = (tally.buckets[bucket] ?? 0) + 1;
  tally.seconds += ms / 1000;
}

export function countByClass({ byClass }: Pick<TargetCounters, "byClass">, status: number): void {
  const digit = Math.floor(status / 100);
  byClass[digit] = (byClass[digit] ?? 0) + 1;
}

function add(to: ReleaseCounters, from: ReleaseCounters): void {
  from.byClass.forEach((count, i) => (to.byClass[i] = (to.byClass[i] ?? 0) + count));
  from.buckets.forEach((count, i) => (to.buckets[i] = (to.buckets[i] ?? 0) + count));
  for (const status of [502, 503, 504] as const) to.own[status] += from.own[status];
  to.cut += from.cut;
  to.streams += from.streams;
  to.seconds += from.seconds;
}
