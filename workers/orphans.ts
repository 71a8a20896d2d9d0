import { setTimeout } from "node:timers/promises";
import type { Store } from "../apps/store.ts";

interface Options {
  store: Pick<Store, "orphaned">;
  leaseMs: number;
  work(app: string): Promise<void>;
}

/** Longer than an executor waits before it renews, which is a quarter. */
const PATIENCE = 0.4;

/**
 * Works on an app, but gives the executor of a deploy that runs time to renew its lease first: where
 * the store's clock leaps ahead, leases end before their time, and who held them is well.
 */
export function afterPatience({ store, leaseMs, work }: Options): (app: string) => Promise<void> {
  return async (app) => {
    if (await store.orphaned(app)) {
      await setTimeout(leaseMs * PATIENCE, undefined, { ref: false });
    }
    await work(app);
  };
}
