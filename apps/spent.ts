import { createHash } from "node:crypto";
import type { Redis } from "ioredis";
import { keys } from "./keys.ts";
import { asking } from "./store-scripts.ts";

/** What is good once, by whichever process it is shown to. */
export interface Spent {
  /** False when it has been spent before, within `ms`. @throws store-unavailable */
  spend(secret: string, ms: number): Promise<boolean>;
}

export function createSpent(redis: Redis): Spent {
  return {
    async spend(secret, ms) {
      const key = keys.spent(createHash("sha256").update(secret).digest("hex"));
      return (await asking(() => redis.set(key, 1, "PX", ms, "NX"))) === "OK";
    },
  };
}
