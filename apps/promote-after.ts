import { TealError } from "./errors.ts";
import { readSpan } from "./moment.ts";

/** So long may a version be held before it is promoted by itself, s. */
export const PROMOTE_AFTER_S = { least: 1, most: 30 * 86_400 };

/** `10m` in seconds. @throws bad-request */
export function readPromoteAfter(text: string): number {
  const ms = readSpan(text);
  const seconds = ms === null ? 0 : ms / 1000;
  if (seconds >= PROMOTE_AFTER_S.least && seconds <= PROMOTE_AFTER_S.most) return seconds;
  throw new TealError("bad-request", {
    detail: `promote-after is a time such as 90s, 10m or 2h, 30d at most, and '${text.slice(0, 40)}' came`,
  });
}
