import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import type { LinkLog } from "./link.ts";

export interface TicketsOptions {
  /** The name of a period's key in the store. */
  name(period: number): string;
  redis: Redis;
  seal(name: string, value: string): string;
  open(name: string, sealed: string): string;
  log: LinkLog;
  /** From now on tickets are sealed and opened with this; null: with keys of this process alone. */
  changed(keys: Buffer | null): void;
  /** How long one key is used, ms. */
  periodMs?: number;
}

/** What OpenSSL takes: a name, a key to seal with, and one to sign with. */
const KEY_BYTES = 48;
const LOOK_MS = 5000;
const PERIOD_MS = 6 * 3_600_000;

/**
 * The key by which clients resume TLS sessions at any router process, also at one that has come since:
 * made at random by whoever is first in a period, shared through the store, and forgotten there and here
 * when the period ends. Without the store each process has its own. Returns what ends it.
 */
export function shareTicketKeys(options: TicketsOptions): () => void {
  const { name, redis, log, changed, periodMs = PERIOD_MS } = options;
  let held: number | null = null;
  let told = "";
  let busy = false;
  const timer = setInterval(() => void look(), Math.min(LOOK_MS, periodMs / 4));
  timer.unref();
  void look();

  async function look(): Promise<void> {
    const now = Date.now();
    const period = Math.floor(now / periodMs);
    if (held === period) return;
    // Whatever the store says: the old one has had its time.
    if (held !== null) changed(null);
    held = null;
    if (busy) return;
    busy = true;
    try {
      const agreed = await agree(period, (period + 1) * periodMs - now);
      // The store may have taken its time.
      if (Math.floor(Date.now() / periodMs) === period) {
        changed(agreed);
        held = period;
      }
      told = "";
    } catch (error) {
      const { message } = error as Error;
      if (message !== told) log.warn({ error: message }, "no ticket key of all routers");
      told = message;
    }
    busy = false;
  }

  /** The first one's key is everybody's. */
  async function agree(period: number, leftMs: number): Promise<Buffer> {
    const key = name(period);
    const mine = options.seal(key, randomBytes(KEY_BYTES).toString("base64"));
    const theirs = await redis.set(key, mine, "PX", leftMs, "NX", "GET");
    const bytes = Buffer.from(options.open(key, theirs ?? mine), "base64");
    if (bytes.length !== KEY_BYTES) throw new Error("the store's ticket key is none");
    return bytes;
  }

  return () => clearInterval(timer);
}
