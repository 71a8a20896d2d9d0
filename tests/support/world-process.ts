import type { Store } from "../../apps/store.ts";
import { createExecutor } from "../../workers/executor.ts";
import { createReaper } from "../../workers/reaper.ts";
import { createReconciler } from "../../workers/reconcile.ts";
import type { MemoryStore } from "./memory-store.ts";
import type { Sabotage } from "./world.ts";
import type { createWorldEffects } from "./world-effects.ts";
import { unfenced } from "./world-life.ts";
import type { WorldRouters } from "./world-routers.ts";

/** How long a worker's claim lasts, ms. */
export const LEASE_MS = 10_000;
export const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const DRAIN_MS = 1000;

interface Options {
  id: string;
  store: MemoryStore;
  effects: ReturnType<typeof createWorldEffects>;
  routers: WorldRouters;
  sabotage: Sabotage;
  now(): number;
  pause(ms: number): Promise<void>;
  /** What each call of this process goes through. */
  guard<T extends object>(target: T): T;
}

/** A worker's parts: the deploy code, unchanged. */
export function createProcess({ id, sabotage, routers, now, pause, guard, ...real }: Options) {
  const store = guard<Store>(sabotage.noFencing ? unfenced(real.store) : real.store);
  const effects = guard(real.effects);
  const reaper = createReaper({
    store: sabotage.reaperIgnoresRouters ? { ...spread(store), routers: async () => [] } : store,
    effects,
    drainMs: DRAIN_MS,
    isGone: (router) => !routers.isAlive(router.id),
    reach() {},
    now,
    log: SILENT,
  });
  const executor = createExecutor({
    store,
    effects,
    routers,
    namespace: "t",
    hostsOf: (app) => [`${app}.test`],
    urlOf: (app) => app,
    idleUrlOf: (app) => `idle--${app}`,
    drainMs: DRAIN_MS,
    watches: { open: async () => {} },
    crashes: { list: async () => [] },
    reach() {},
    now,
    pause,
    id,
    leaseMs: LEASE_MS,
    log: SILENT,
    openLog: () => ({ say() {}, flush: async () => {}, conceal: (text) => text }),
    onRetired() {},
  });
  const unsaid = { ...spread(store), getSteps: async () => ({}) };
  const reconciler = createReconciler({
    store: sabotage.restUnsaid ? unsaid : store,
    effects,
    reaper: { reap() {} },
    removeRepository: async () => {},
    log: SILENT,
  });
  return { executor, reaper, reconciler };
}

function spread<T extends object>(proxy: T): T {
  const names = Object.keys(proxy) as (keyof T)[];
  return Object.fromEntries(names.map((name) => [name, proxy[name]])) as T;
}
