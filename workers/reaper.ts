import { setTimeout } from "node:timers/promises";
import type { Log } from "../apps/log.ts";
import type { RouterState, Store } from "../apps/store.ts";
import type { Instance } from "../apps/types.ts";
import { isRetired } from "./hand-over.ts";
import type { Effects } from "./ports.ts";

interface Options {
  store: Store;
  effects: Pick<Effects, "stopContainer" | "removeContainer">;
  /** How long a request on a retired instance may go on. */
  drainMs: number;
  /** Is the process of a router whose lease ran out really gone? While in doubt: false. */
  isGone(router: RouterState): boolean;
  reach(step: string): void | Promise<void>;
  now(): number;
  log: Log;
}

export interface Reaper {
  /** Looks at the app's retired instances until all are gone. Returns at once. */
  reap(app: string): void;
  /** One pass; true when retired instances are still waited for. */
  pass(app: string): Promise<boolean>;
  close(): Promise<void>;
}

const LOOK_EVERY_MS = 200;
const PATIENCE_MS = 2000;

/**
 * Stops what has been retired (invariant 5). It needs no claim: a retirement is recorded, and
 * nothing retired is ever live again, so stopping twice or late is the same as stopping once.
 */
export function createReaper(options: Options): Reaper {
  const stopping = new AbortController();
  const running = new Map<string, Promise<void>>();
  /** When this process first saw each of an app's instances retired, on its monotonic clock. */
  const seen = new Map<string, Map<string, number>>();
  /** Being stopped by an earlier pass. */
  const ending = new Set<string>();

  async function untilNothingWaits(app: string): Promise<void> {
    while (!stopping.signal.aborted) {
      const looked = pass(app);
      // An instance may take hours to stop: what is retired after it does not wait for that.
      const { signal } = stopping;
      const enough = setTimeout(PATIENCE_MS, true, { signal }).catch(() => true);
      looked.catch(() => {});
      const waits = await Promise.race([looked, enough]);
      if (!waits) return;
      await setTimeout(LOOK_EVERY_MS, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  /** Since when each of these has been seen retired; others of the app are forgotten, whoever stopped them. */
  function sightings(app: string, retired: Instance[]): Map<string, number> {
    const before = seen.get(app);
    const now = options.now();
    const all = new Map(retired.map(({ id }) => [id, before?.get(id) ?? now]));
    if (all.size > 0) seen.set(app, all);
    else seen.delete(app);
    return all;
  }

  async function pass(app: string): Promise<boolean> {
    const retired = (await options.store.listInstances(app)).filter(isRetired);
    const sighted = sightings(app, retired);
    if (retired.length === 0) return false;
    const routers = await options.store.routers();
    const routed = (await options.store.getRoute(app)) !== null;
    const waits = await Promise.all(
      retired.map(async (instance) => {
        if (ending.has(instance.id)) return true;
        const waited = options.now() - (sighted.get(instance.id) ?? options.now());
        const free = routers.every((router) =>
          letsGo(options, router, { instance, waited, routed }),
        );
        if (free) await end(instance);
        return !free;
      }),
    );
    const waiting = waits.includes(true);
    if (!waiting) seen.delete(app);
    return waiting;
  }

  async function end(instance: Instance): Promise<void> {
    ending.add(instance.id);
    try {
      await stopAndRemove(options, instance);
    } finally {
      ending.delete(instance.id);
    }
  }

  return {
    pass,
    reap(app) {
      if (running.has(app) || stopping.signal.aborted) return;
      const run = untilNothingWaits(app)
        .catch((error) => options.log.warn({ app, error: String(error) }, "reaping put off"))
        .finally(() => running.delete(app));
      running.set(app, run);
    },
    async close() {
      stopping.abort();
      await Promise.all(running.values());
    },
  };
}

/**
 * A router lets an instance go when it routes by a table without it and has no request open on
 * it (or the drain time is over). A silent router counts until its process is known to be gone.
 */
function letsGo(
  { drainMs, isGone }: Options,
  router: RouterState,
  { instance, waited, routed }: { instance: Instance; waited: number; routed: boolean },
): boolean {
  if (router.expired && isGone(router)) return true;
  // A router that knows nothing of an app without a route has nothing to acknowledge.
  const version = router.acks[instance.app] ?? (routed ? 0 : Infinity);
  if (version < (instance.retiredVersion ?? 0)) return false;
  return (router.busy[instance.id] ?? 0) === 0 || waited >= drainMs;
}

async function stopAndRemove(
  { store, effects, reach }: Options,
  instance: Instance,
): Promise<void> {
  await reach("drained");
  await effects.stopContainer(instance.id);
  await store.markGone(instance.id, "stopped");
  await reach("old-stopped");
  await effects.removeContainer(instance.id);
  await store.markGone(instance.id, "removed");
}
