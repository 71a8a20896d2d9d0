import { TealError } from "./errors.ts";

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A point in time as people give it: so long ago (`90s`, `10m`, `2h`, `1d`) or a date with a time
 * (UTC unless it says otherwise). In ms since the epoch. @throws bad-request
 */
export function readMoment(text: string, now: number): number {
  const span = readSpan(text);
  if (span !== null) return now - span;
  const iso = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/.test(text);
  const zoned = /Z$|[+-]\d\d:?\d\d$/.test(text) || !text.includes(":") ? text : `${text}Z`;
  const at = iso ? Date.parse(zoned.replace(" ", "T")) : NaN;
  if (Number.isFinite(at)) return at;
  throw new TealError("bad-request", {
    detail: `a time such as 10m, 2h or 2026-01-02T03:04Z was expected, and ${text} came`,
  });
}

/** `90s`, `10m`, `2h`, `1d` in ms; null for anything else. */
export function readSpan(text: string): number | null {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return count && unit ? Number(count) * (UNITS[unit] ?? 0) : null;
}
