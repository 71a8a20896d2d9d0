import { createHash } from "node:crypto";
import type { RequestHead } from "./request-head.ts";
import type { AppState, TargetState } from "./table.ts";

const COOKIE = "teal_instance";
const STUCK = new RegExp(
  `(?:^|\\n)cookie:(?:[^\\r\\n]*;)?[ \\t]*${COOKIE}=([\\w-]{16})[ \\t]*(?:[;\\r]|$)`,
);

/**
 * The target with the fewest open requests, in turn among equals; never one of `failed`, one that
 * fails its checks only when all do, and one that is down only when there are none but such.
 */
export function chooseTarget(app: AppState, failed: Set<TargetState> | null): TargetState | null {
  const { targets } = app;
  const first = app.turn++;
  let best: TargetState | null = null;
  for (let i = 0; i < targets.length; i++) {
    const target = targets[(first + i) % targets.length] as TargetState;
    if (failed?.has(target)) continue;
    if (best === null || isBetter(target, best)) best = target;
  }
  return best;
}

function isBetter(one: TargetState, other: TargetState): boolean {
  const [much, little] = [troubleOf(one), troubleOf(other)];
  return much === little ? one.open.size < other.open.size : much < little;
}

function troubleOf({ down, aside }: TargetState): number {
  return (down ? 2 : 0) + (aside ? 1 : 0);
}

/** Names an instance in a cookie: tells nobody its address or release, and is the same in every router. */
export function stickyName(app: string, instance: string): string {
  return createHash("sha256").update(`${app} ${instance}`).digest("base64url").slice(0, 16);
}

/** The target that the client stays with; null when it is none of the route's, in trouble, or has failed. */
export function stickyTarget(
  app: AppState,
  head: RequestHead,
  failed: Set<TargetState> | null,
): TargetState | null {
  const name = stuckTo(head);
  if (name === null) return null;
  const found = app.targets.find((target) => target.sticky === name);
  if (found === undefined || failed?.has(found) === true) return null;
  return troubleOf(found) > 0 ? null : found;
}

/** A field for the answer, where the client does not stay with `target` yet; else nothing. */
export function stickyLine(head: RequestHead, target: TargetState, secure: boolean): string {
  if (stuckTo(head) === target.sticky) return "";
  const end = secure ? "; Secure" : "";
  return `Set-Cookie: ${COOKIE}=${target.sticky}; Path=/; HttpOnly; SameSite=Lax${end}\r\n`;
}

function stuckTo(head: RequestHead): string | null {
  return STUCK.exec(head.fields)?.[1] ?? null;
}
