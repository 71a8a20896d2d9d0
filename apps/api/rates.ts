import { createHash } from "node:crypto";
import type { Context, Middleware } from "koa";
import { addressOf } from "../audit-http.ts";
import { TealError } from "../errors.ts";

/** Requests in a minute. */
export interface Rates {
  token: number;
  /** From all tokens together, and from who has none. */
  address: number;
}

interface Window {
  began: number;
  count: number;
}

const RATES: Rates = { token: 6000, address: 12_000 };
const WINDOW_MS = 60_000;
/** Tokens and addresses that are counted; beyond them the oldest is forgotten. */
const ROOM = 20_000;

/**
 * Counts requests by token and by address in windows of a minute, and refuses those beyond the
 * limit. Every answer says what is left. The machine itself has no limit by address: commands over
 * SSH and a proxy in front come from there.
 */
export function rateLimits(rates: Rates = RATES, now: () => number = Date.now): Middleware {
  const windows = new Map<string, Window>();

  function count(name: string): Window {
    const before = windows.get(name);
    const isOver = !before || before.began + WINDOW_MS <= now();
    const window = isOver ? { began: now(), count: 1 } : { ...before, count: before.count + 1 };
    windows.delete(name);
    windows.set(name, window);
    for (const [oldest] of windows) {
      if (windows.size <= ROOM) break;
      windows.delete(oldest);
    }
    return window;
  }

  return async (ctx, next) => {
    const used = namesOf(ctx).map(([name, kind]) => ({ limit: rates[kind], ...count(name) }));
    const [tightest] = used.toSorted((a, b) => a.limit - a.count - (b.limit - b.count));
    if (!tightest) return next();
    const { limit, began } = tightest;
    const seconds = Math.max(1, Math.ceil((began + WINDOW_MS - now()) / 1000));
    ctx.set({
      "RateLimit-Limit": String(limit),
      "RateLimit-Remaining": String(Math.max(0, limit - tightest.count)),
      "RateLimit-Reset": String(seconds),
    });
    if (tightest.count > limit) throw new TealError("too-many-requests", { limit, seconds });
    return next();
  };
}

/** A wrong token has its own count too; who tries many is met by the address's. */
function namesOf(ctx: Context): [name: string, kind: keyof Rates][] {
  const token = ctx.get("Authorization");
  const address = addressOf(ctx.req);
  const digest = createHash("sha256").update(token).digest("base64url");
  const isLocal = address === null || address === "::1" || address.startsWith("127.");
  return [
    ...(token ? [[digest, "token"] as [string, keyof Rates]] : []),
    ...(isLocal && token ? [] : [[`from ${address}`, "address"] as [string, keyof Rates]]),
  ];
}
