import type { Redis } from "ioredis";
import type { Watch } from "./guard.ts";
import { keys } from "./keys.ts";
import { createLeases } from "./leases.ts";
import { asking, createScripts } from "./store-scripts.ts";

/** Which releases are on guard, and which worker watches. All may throw store-unavailable. */
export interface Watches {
  /** Puts a release on guard in the place of an older one. */
  open(watch: Watch): Promise<void>;
  /** The newest watch of an app, open or ended. */
  get(app: string): Promise<Watch | null>;
  /** Those that are still open. */
  watching(): Promise<Watch[]>;
  /** Ends a watch; false when it had ended already. */
  close(watch: Watch): Promise<boolean>;
  /** Takes, or renews, the lease of the one worker that watches. */
  lead(worker: string, leaseMs: number): Promise<boolean>;
  /** Gives it back. */
  leave(worker: string): Promise<void>;
}

/** On Redis. Every method throws store-unavailable. */
export function createWatches(redis: Redis): Watches {
  const { run } = createScripts(redis);
  const leases = createLeases(redis);
  return {
    async open(watch) {
      await run("open-watch", watch.app, watch.seq, JSON.stringify(watch));
    },
    async get(app) {
      const json = await asking(() => redis.hget(keys.watches, app));
      return json === null ? null : (JSON.parse(json) as Watch);
    },
    async watching() {
      const all = await asking(() => redis.hvals(keys.watches));
      const watches = all.map((json) => JSON.parse(json) as Watch);
      return watches.filter(({ state }) => state === "watching");
    },
    async close(watch) {
      const [open] = await run("close-watch", watch.app, watch.deploy, JSON.stringify(watch));
      return open === 1;
    },
    lead: (worker, leaseMs) => leases.lead("watch", worker, leaseMs),
    leave: (worker) => leases.leave("watch", worker),
  };
}
