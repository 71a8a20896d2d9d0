import type { Redis } from "ioredis";
import { createScripts } from "./store-scripts.ts";

/** What one of the workers does for all: watch over what runs, order certificates, sample figures. */
export type Duty = "watch" | "order" | "sample";

export interface Leases {
  /** Takes, or renews, the lease of a duty. False when it is another worker's. */
  lead(duty: Duty, worker: string, leaseMs: number): Promise<boolean>;
  /** Gives it back, if it is this worker's. */
  leave(duty: Duty, worker: string): Promise<void>;
}

/** On Redis. Every method throws store-unavailable. */
export function createLeases(redis: Redis): Leases {
  const { run } = createScripts(redis);
  return {
    async lead(duty, worker, leaseMs) {
      const [ours] = await run("lead", "*", duty, worker, leaseMs);
      return ours === 1;
    },
    async leave(duty, worker) {
      await run("lead", "*", duty, worker, 0);
    },
  };
}
