import type fc from "fast-check";
import type { Store } from "../../apps/store.ts";
import type { Deploy, Intent } from "../../apps/types.ts";
import type { Executor } from "../../workers/executor.ts";
import { createPromoter } from "../../workers/promoter.ts";
import type { Reaper } from "../../workers/reaper.ts";
import type { createReconciler } from "../../workers/reconcile.ts";
import { createMemoryStore, type MemoryStore } from "./memory-store.ts";
import { createChecks, type Wishes } from "./world-checks.ts";
import { type Containers, createWorldEffects } from "./world-effects.ts";
import { guarded, type Life, newLife, thaw } from "./world-life.ts";
import { createProcess, LEASE_MS, SILENT } from "./world-process.ts";
import { createWorldRouters, type WorldRouters } from "./world-routers.ts";

/** When a process dies or how a fault is built in on purpose, to see the checks fail. */
export interface Sabotage {
  /** The reaper does not wait for the routers. */
  reaperIgnoresRouters?: boolean;
  /** A zombie's writes count: every call carries the newest token. */
  noFencing?: boolean;
  /** Old instances of what is handed over exclusively go on. */
  nothingRests?: boolean;
  /** The reconciler does not know what rests. */
  restUnsaid?: boolean;
  /** What rests keeps its container, and whoever was replaced may stop it late. */
  containersStay?: boolean;
}

export interface Manner {
  /** What is handed over exclusively. */
  exclusive?: string[];
}

export interface World {
  store: MemoryStore;
  routers: WorldRouters;
  executors: Executor[];
  /** Kills executor `at` at its `call`-th call from now, before or after its effect. */
  killAt(at: number, call: number, after: boolean): void;
  isDead(at: number): boolean;
  /** Executor `at` stands still before the effect of its `call`-th call from now, until `thaw`. */
  stallAt(at: number, call: number): void;
  isStalled(at: number): boolean;
  thaw(): void;
  /** The store's clock runs past every lease: to the store, executors at work look dead. */
  jumpClock(): void;
  request(intent: Omit<Intent, "by" | "why">): Promise<Deploy>;
  /** Stages config `C` and asks for a release with it. */
  configure(app: string, value: string): Promise<void>;
  scale(app: string, formation: Record<string, number>): Promise<void>;
  promote(app: string): Promise<void>;
  /** What `ps:stop` and `ps:start` ask for. */
  stop(app: string, stopped: boolean): Promise<void>;
  /** What has been held for as long as was asked is promoted. */
  promoteByItself(): Promise<void>;
  /** What the guard asks for when it has seen enough of what is live. */
  swapBack(app: string): Promise<void>;
  reapers: Reaper[];
  reconcilers: ReturnType<typeof createReconciler>[];
  /** A fresh executor finishes all there is, reaps, reconciles. */
  quiesce(): Promise<void>;
  /** What went against an invariant, in order. */
  violations: string[];
  containers: Containers;
}

/**
 * The platform's deploy code, unchanged, over the in-memory store and effects that keep
 * containers in a map. The scheduler decides what happens next; processes die between any two calls.
 */
export function createWorld(
  scheduler: Pick<fc.Scheduler, "schedule">,
  sabotage: Sabotage = {},
  { exclusive = [] }: Manner = {},
): World {
  let clock = 1_000_000;
  const now = () => clock;
  const violations: string[] = [];
  const containers: Containers = new Map();
  const wishes: Wishes = new Map();
  const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
  const store: MemoryStore = createMemoryStore({ now, publish: (event) => routers.hear(event) });
  const routers = createWorldRouters({ turn, store, now, violations });
  const checks = createChecks({ store, containers, routers, violations, wishes, exclusive });
  const effects = createWorldEffects(store, { containers, violations, exclusive, sabotage });
  const guard = <T extends object>(target: T, life: Life | null): T =>
    guarded(target, { life, turn, look: checks.now });
  const createWorker = (id: string, life: Life | null) =>
    createProcess({
      ...{ id, store, effects, routers, sabotage, now },
      async pause(ms) {
        await turn("pause");
        clock += ms;
      },
      guard: (target) => guard(target, life),
    });

  const promoter = createPromoter({
    ...{ store: guard<Store>(store, null), wake() {}, say: async () => {} },
    ...{ now, log: SILENT },
  });
  const lives: Life[] = ["a", "b"].map(() => newLife());
  const processes = ["a", "b"].map((id, at) => createWorker(id, lives[at] ?? null));

  return {
    store,
    routers,
    violations,
    containers,
    executors: processes.map(({ executor }) => executor),
    reapers: processes.map(({ reaper }) => reaper),
    reconcilers: processes.map(({ reconciler }) => reconciler),
    killAt(at, call, after) {
      const life = lives[at];
      if (life) Object.assign(life, { die: { call, after }, calls: 0 });
    },
    isDead: (at) => lives[at]?.dead === true,
    stallAt(at, calls) {
      const life = lives[at];
      if (life) life.stall ??= { calls, thawed: Promise.withResolvers() };
    },
    isStalled: (at) => lives[at]?.stalled === true,
    thaw: () => lives.forEach(thaw),
    jumpClock() {
      clock += LEASE_MS * 2;
    },
    ...createWishing({ store, wishes, violations }),
    promoteByItself: () => promoter.look(),
    async quiesce() {
      const { executor, reaper, reconciler } = createWorker("z", null);
      for (let round = 0; round < 8; round++) {
        clock += LEASE_MS * 2;
        // Those that stand still go on when others have done their work.
        if (round === 3) lives.forEach(thaw);
        await routers.heal();
        await promoter.look();
        for (const app of await store.appsWithWork()) await executor.work(app);
        for (const app of await store.listApps()) await reaper.pass(app.name);
        await reconciler.reconcile();
      }
      await checks.atRest();
    },
  };
}

/** What people and the guard ask for, noted so that it can be looked for at rest. */
function createWishing({
  store,
  wishes,
  violations,
}: {
  store: MemoryStore;
  wishes: Wishes;
  violations: string[];
}): Pick<World, "request" | "configure" | "scale" | "promote" | "stop" | "swapBack"> {
  const request: World["request"] = (intent) =>
    store.requestDeploy({ ...intent, by: "test", why: "" });
  return {
    request,
    async configure(app, value) {
      await store.changeSettings(app, { staged: { C: value } });
      const { seq } = await request({ app, kind: "config" });
      wishes.set(app, { ...wishes.get(app), config: { value, seq } });
    },
    async scale(app, formation) {
      await store.changeSettings(app, { formation });
      const { id } = await request({ app, kind: "scale" });
      wishes.set(app, { ...wishes.get(app), scale: id });
    },
    async promote(app) {
      const held = (await store.getApp(app))?.held;
      if (held) await request({ app, kind: "promote", toRelease: held.release });
    },
    async stop(app, stopped) {
      await store.changeSettings(app, { options: { stopped: stopped || null } });
      await request({ app, kind: "routing", stopped });
    },
    async swapBack(app) {
      const route = await store.getRoute(app);
      const [back] = (await store.listReleases(app)).filter(({ n }) => n !== route?.release);
      if (!route || !back) return;
      const guardOf = route.deploy;
      // What people had cancelled themselves is not the guard's doing.
      const cancelled = (await store.listDeploys(app, 100)).filter((it) => it.cancelRequested);
      const { id } = await request({ app, kind: "rollback", toRelease: back.n, guardOf });
      const newer = (await store.listDeploys(app, 100)).find(
        (it) =>
          it.supersededBy === id ||
          (it.cancelRequested &&
            it.state === "running" &&
            !cancelled.some((one) => one.id === it.id)),
      );
      if (newer) violations.push(`the guard's ${id} came before ${newer.id}, which is newer`);
    },
  };
}
