import { answersOf, KEPT_MS, type Sample, type Series } from "../series.ts";
import type { Colour } from "../types.ts";

/** A colour as it is now. */
export interface Now {
  /** Per second. */
  rate: number;
  /** Of the requests, 0 to 1. */
  errors: number;
  /** ms */
  p50: number | null;
  p99: number | null;
}

export interface Recent {
  /** The last hour's samples, oldest first. */
  of(app: string): Promise<Sample[]>;
}

/** Traffic older than this is not "now", ms: two samples and a little. */
const NOW_MS = 22_000;
/** Apps that nobody has looked at for so long are forgotten, ms. */
const FORGET_MS = 10 * 60_000;

/** Series as far as pages have shown them: each look asks the store only for what is new. */
export function createRecent(series: Pick<Series, "read">): Recent {
  const known = new Map<string, { samples: Sample[]; asked: number }>();
  return {
    async of(app) {
      const before = known.get(app)?.samples ?? [];
      const fresh = await series.read(app, before.at(-1)?.at);
      const now = Date.now();
      const samples = [...before, ...fresh].filter(({ at }) => at > now - KEPT_MS);
      known.set(app, { samples, asked: now });
      for (const [name, { asked }] of known) if (asked < now - FORGET_MS) known.delete(name);
      return samples;
    },
  };
}

function newestOf(samples: readonly Sample[]): { newest: Sample[]; seconds: number } {
  const newest = samples.filter(({ at }) => at > Date.now() - NOW_MS);
  return { newest, seconds: newest.reduce((sum, sample) => sum + sample.seconds, 0) };
}

/** Requests per second that an instance gets now. */
export function requestsNow(samples: readonly Sample[], id: string): number {
  const { newest, seconds } = newestOf(samples);
  return seconds > 0 ? answersOf(newest, id).requests / seconds : 0;
}

/** What a colour answers now. */
export function trafficNow(samples: readonly Sample[], colour: Colour): Now {
  const { newest, seconds } = newestOf(samples);
  const answered = newest.flatMap((sample) => sample.colours[colour] ?? []);
  const requests = answered.reduce((sum, one) => sum + one.requests, 0);
  const errors = answered.reduce((sum, one) => sum + one.errors, 0);
  const last = answered.findLast((one) => one.p50 !== undefined);
  return {
    rate: seconds > 0 ? requests / seconds : 0,
    errors: requests > 0 ? errors / requests : 0,
    p50: last?.p50 ?? null,
    p99: last?.p99 ?? null,
  };
}

/** Requests per second of each colour in `count` equal pieces of the last hour, oldest first. */
export function rates(samples: readonly Sample[], count: number): Record<Colour, number[]> {
  const piece = KEPT_MS / count;
  // Whole pieces of the clock, so that the past does not change its shape with every look.
  const first = Math.floor(Date.now() / piece) - count + 1;
  const sums = {
    blue: Array.from({ length: count }, () => 0),
    green: Array.from({ length: count }, () => 0),
  };
  for (const { at, colours } of samples) {
    const i = Math.floor(at / piece) - first;
    for (const colour of ["blue", "green"] as const) {
      const sum = sums[colour][i];
      if (sum !== undefined) sums[colour][i] = sum + (colours[colour]?.requests ?? 0);
    }
  }
  const ofLast = Math.max(10_000, Date.now() % piece);
  const perSecond = (sum: number, i: number) => sum / ((i < count - 1 ? piece : ofLast) / 1000);
  return { blue: sums.blue.map(perSecond), green: sums.green.map(perSecond) };
}
