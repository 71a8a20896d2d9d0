import type { Redis } from "ioredis";
import { keys } from "./keys.ts";

/** When a token or key was last used, ms; to the minute. */
export interface Used {
  lastUsedAt?: number;
}

export interface Uses {
  /** Of a token's id or a key's fingerprint. Returns at once; a store that is away costs only the note. */
  note(id: string): void;
  forget(...ids: string[]): Promise<void>;
  /** The records, oldest first, each with when it was last used. */
  of<T extends { createdAt: number }>(
    records: T[],
    idOf: (record: T) => string,
  ): Promise<(T & Used)[]>;
}

/** A use is written down once in so many ms. */
const EVERY_MS = 60_000;
const ROOM = 10_000;

export function createUses(redis: Redis): Uses {
  const written = new Map<string, number>();
  return {
    note(id) {
      const now = Date.now();
      if ((written.get(id) ?? 0) > now - EVERY_MS) return;
      if (written.size > ROOM) written.clear();
      written.set(id, now);
      void redis.hset(keys.used, id, now).catch(() => written.delete(id));
    },
    async forget(...ids) {
      if (ids.length > 0) await redis.hdel(keys.used, ...ids);
    },
    async of(records, idOf) {
      const used = await redis.hgetall(keys.used);
      return records
        .toSorted((a, b) => a.createdAt - b.createdAt)
        .map((record) => {
          const at = used[idOf(record)];
          return { ...record, ...(at !== undefined && { lastUsedAt: Number(at) }) };
        });
    },
  };
}
