import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { TealError } from "../errors.ts";
import { keys } from "../keys.ts";
import { asking } from "../store-scripts.ts";

/** What a key of a caller has led to. */
interface Kept {
  /** Of method, path, query and body. */
  request: string;
  /** Absent while the first request is under way, and for good when its process died over it. */
  answer?: unknown;
}

interface Asked {
  /** The caller's `Idempotency-Key`. */
  key: string;
  /** Who asks: the same key of another caller is another key. */
  caller: string;
  request: string;
}

export interface Once {
  /**
   * Does `work` for the first request with its key, and gives all later ones the same answer, for a
   * day. Work that throws has not been done: it may be tried again under its key.
   * @throws bad-request, key-reused, key-in-use
   */
  run<T>(asked: Asked, work: () => Promise<T>): Promise<{ answer: T; again: boolean }>;
}

const KEY = /^[\x21-\x7e]{1,255}$/;
const KEPT_S = 24 * 3600;

/** Idempotency keys, in the store. */
export function createOnce(redis: Redis): Once {
  return {
    async run<T>({ key, caller, request }: Asked, work: () => Promise<T>) {
      if (!KEY.test(key)) {
        const detail = "an Idempotency-Key is 1 to 255 characters without spaces";
        throw new TealError("bad-request", { detail });
      }
      const name = keys.once(digest(`${caller} ${key}`));
      const mine: Kept = { request: digest(request) };
      const before = await asking(() =>
        redis.set(name, JSON.stringify(mine), "EX", KEPT_S, "NX", "GET"),
      );
      if (before !== null) {
        const kept = JSON.parse(before) as Kept;
        if (kept.request !== mine.request) throw new TealError("key-reused", { key });
        if (kept.answer === undefined) throw new TealError("key-in-use", { key });
        return { answer: kept.answer as T, again: true };
      }
      try {
        const answer = await work();
        await asking(() => redis.set(name, JSON.stringify({ ...mine, answer }), "EX", KEPT_S));
        return { answer, again: false };
      } catch (error) {
        // A request that took too long may still be done: its key stays taken.
        const isOpen = error instanceof TealError && error.code === "store-unavailable";
        if (!isOpen) await asking(() => redis.del(name));
        throw error;
      }
    },
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
