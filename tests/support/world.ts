import type fc from "fast-check";
import { TealError } from "../../apps/errors.ts";
import type { Store } from "../../apps/store.ts";
import {
  type App,
  type Deploy,
  INSTANCE_LIFE,
  type Instance,
  type Intent,
} from "../../apps/types.ts";
import { createExecutor, type Executor } from "../../workers/executor.ts";
import type { Effects } from "../../workers/ports.ts";
import { restingTypes } from "../../workers/exclusive.ts";
import { createPromoter } from "../../workers/promoter.ts";
import { createReaper, type Reaper } from "../../workers/reaper.ts";
import { createReconciler } from "../../workers/reconcile.ts";
import { createMemoryStore, type MemoryStore } from "./memory-store.ts";
import { createWorldRouters, type WorldRouters } from "./world-routers.ts";

const LEASE_MS = 10_000;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** Thrown by everything that a dead process would have done. */
class Died extends Error {}

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
}

export interface Manner {
  /** `worker` is handed over exclusively. */
  exclusive?: boolean;
}

export interface World {
  store: MemoryStore;
  routers: WorldRouters;
  executors: Executor[];
  /** Kills executor `at` at its `call`-th call from now, before or after its effect. */
  killAt(at: number, call: number, after: boolean): void;
  isDead(at: number): boolean;
  /** The store's clock runs past every lease: to the store, executors at work look dead. */
  jumpClock(): void;
  request(intent: Omit<Intent, "by" | "why">): Promise<Deploy>;
  /** Stages config `C` and asks for a release with it. */
  configure(app: string, value: string): Promise<void>;
  scale(app: string, formation: Record<string, number>): Promise<void>;
  promote(app: string): Promise<void>;
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
  containers: Map<string, { running: boolean }>;
}

/**
 * The platform's deploy code, unchanged, over the in-memory store and effects that keep
 * containers in a map. The scheduler decides what happens next; processes die between any two calls.
 */
export function createWorld(
  scheduler: Pick<fc.Scheduler, "schedule">,
  sabotage: Sabotage = {},
  { exclusive = false }: Manner = {},
): World {
  let clock = 1_000_000;
  const violations: string[] = [];
  const containers = new Map<string, { running: boolean }>();
  const turn = (label: string) => scheduler.schedule(Promise.resolve(), label);
  const real: MemoryStore = createMemoryStore({
    now: () => clock,
    publish: (event) => routers.hear(event),
  });
  const routers = createWorldRouters({ turn, store: real, now: () => clock, violations });

  const wishes: Wishes = new Map();
  const request: World["request"] = (intent) =>
    real.requestDeploy({ ...intent, by: "test", why: "" });

  const checks = createChecks({ store: real, containers, routers, violations, wishes, exclusive });
  const lives: { die: { call: number; after: boolean } | null; dead: boolean; calls: number }[] =
    [];

  /** Every method of `target` takes its turn, and may be the last thing that process does. */
  function guarded<T extends object>(target: T, life: (typeof lives)[number] | null): T {
    return new Proxy(target, {
      get(_, name) {
        const method = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        return async (...args: unknown[]) => {
          if (life?.dead) throw new Died();
          await turn(String(name));
          if (life?.dead) throw new Died();
          const dying = life?.die && ++life.calls >= life.die.call ? life.die : null;
          if (life && dying && !dying.after) life.dead = true;
          if (life?.dead) throw new Died();
          const result = await method.apply(target, args);
          await checks.now();
          if (life && dying) life.dead = true;
          if (life?.dead) throw new Died();
          return result;
        };
      },
    });
  }

  function sabotaged(store: MemoryStore): MemoryStore {
    if (!sabotage.noFencing) return store;
    return new Proxy(store, {
      get(_, name) {
        const method = Reflect.get(store, name);
        if (typeof method !== "function") return method;
        return async (...args: unknown[]) => {
          const first = args[0] as { app?: string; token?: number } | undefined;
          if (first?.token !== undefined && first.app) {
            const app = await store.getApp(first.app);
            args[0] = { app: first.app, token: app?.token };
          }
          return method.apply(store, args);
        };
      },
    });
  }

  function createProcess(id: string, life: (typeof lives)[number] | null) {
    const store = guarded<Store>(sabotaged(real), life);
    const effects = guarded(
      createWorldEffects(real, { containers, violations, exclusive, sabotage }),
      life,
    );
    const reaper = createReaper({
      store: sabotage.reaperIgnoresRouters ? { ...spread(store), routers: async () => [] } : store,
      effects,
      drainMs: 1000,
      isGone: (router) => !routers.isAlive(router.id),
      reach() {},
      now: () => clock,
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
      drainMs: 1000,
      watches: { open: async () => {} },
      crashes: { list: async () => [] },
      reach() {},
      now: () => clock,
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

  const promoter = createPromoter({
    ...{ store: guarded<Store>(real, null), wake() {}, say: async () => {} },
    ...{ now: () => clock, log: SILENT },
  });
  const processes = ["a", "b"].map((id) => {
    const life = { die: null, dead: false, calls: 0 };
    lives.push(life);
    return createProcess(id, life);
  });

  return {
    store: real,
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
    jumpClock() {
      clock += LEASE_MS * 2;
    },
    request,
    async configure(app, value) {
      await real.changeSettings(app, { staged: { C: value } });
      const { seq } = await request({ app, kind: "config" });
      wishes.set(app, { ...wishes.get(app), config: { value, seq } });
    },
    async scale(app, formation) {
      await real.changeSettings(app, { formation });
      const { id } = await request({ app, kind: "scale" });
      wishes.set(app, { ...wishes.get(app), scale: id });
    },
    async promote(app) {
      const held = (await real.getApp(app))?.held;
      if (held) await request({ app, kind: "promote", toRelease: held.release });
    },
    promoteByItself: () => promoter.look(),
    async swapBack(app) {
      const route = await real.getRoute(app);
      const [back] = (await real.listReleases(app)).filter(({ n }) => n !== route?.release);
      if (!route || !back) return;
      const guardOf = route.deploy;
      // What people had cancelled themselves is not the guard's doing.
      const cancelled = (await real.listDeploys(app, 100)).filter((it) => it.cancelRequested);
      const { id } = await request({ app, kind: "rollback", toRelease: back.n, guardOf });
      const newer = (await real.listDeploys(app, 100)).find(
        (it) =>
          it.supersededBy === id ||
          (it.cancelRequested &&
            it.state === "running" &&
            !cancelled.some((one) => one.id === it.id)),
      );
      if (newer) violations.push(`the guard's ${id} came before ${newer.id}, which is newer`);
    },
    async quiesce() {
      const { executor, reaper, reconciler } = createProcess("z", null);
      for (let round = 0; round < 8; round++) {
        clock += LEASE_MS * 2;
        await routers.heal();
        await promoter.look();
        for (const app of await real.appsWithWork()) await executor.work(app);
        for (const app of await real.listApps()) await reaper.pass(app.name);
        await reconciler.reconcile();
      }
      await checks.atRest();
    },
  };
}

function spread<T extends object>(proxy: T): T {
  const names = Object.keys(proxy) as (keyof T)[];
  return Object.fromEntries(names.map((name) => [name, proxy[name]])) as T;
}

const BAD = /^bad/;
const EXCLUSIVE = {
  formation: { worker: 1 },
  env: {},
  runtime: { worker: { handover: "exclusive" as const } },
};

interface EffectsOptions {
  containers: Map<string, { running: boolean }>;
  violations: string[];
  exclusive: boolean;
  sabotage: Sabotage;
}

function createWorldEffects(
  store: Store,
  { containers, violations, exclusive, sabotage }: EffectsOptions,
): Effects & {
  listContainers(): Promise<{ id: string; app: string; running: boolean; oneOffOf: null }[]>;
} {
  const run = (instance: Instance) => {
    const container = containers.get(instance.id);
    if (!container) throw new TealError("no-engine", { detail: "no such container" });
    container.running = true;
    return { host: `10.0.0.${instance.slot}`, port: 5000 };
  };
  return {
    fetchSource: async (deploy) => deploy.commit ?? "",
    checkout: async () => ({ dir: "/", done: async () => {} }),
    build: async () => ({
      image: "sha256:1",
      imageBytes: 1,
      processes: { web: "x", worker: "x" },
      port: 5000,
      ...(exclusive && { appJson: EXCLUSIVE }),
    }),
    takeImage: async () => ({
      image: "sha256:2",
      imageBytes: 1,
      processes: { web: "" },
      port: 5000,
      from: "shop@sha256:2",
    }),
    seal: (_app, _name, value) => value,
    tagImage: async () => {},
    imageExists: async () => true,
    runCommand: async () => {},
    async createContainer(_app, instance) {
      if (!containers.has(instance.id)) containers.set(instance.id, { running: false });
    },
    startContainer: async (_app, instance) => run(instance),
    async check(_app, _instance, release) {
      if (BAD.test(release.commit)) {
        throw new TealError("check-failed", { instance: "web.1", seconds: 1, detail: "bad" });
      }
    },
    answers: async (instance) => containers.get(instance.id)?.running ?? false,
    keepRunning: async () => {},
    async stopContainer(id) {
      const recorded = await findInstance(store, id);
      const retired = !recorded || rank(recorded) >= INSTANCE_LIFE.indexOf("retired");
      const stopped = recorded && (await store.getRoute(recorded.app))?.policy?.stopped;
      const rests = recorded && (await restsNow(store, recorded));
      if (rests && sabotage.nothingRests) return;
      if (!retired && !stopped && !rests)
        violations.push(`${id} was stopped without a recorded retirement`);
      const container = containers.get(id);
      if (container) container.running = false;
    },
    async removeContainer(id) {
      containers.delete(id);
    },
    removeAppRemains: async () => {},
    listContainers: async () =>
      [...containers].map(([id, { running }]) => ({
        id,
        app: id.split("-")[1] ?? "",
        running,
        oneOffOf: null,
      })),
  };
}

function rank(instance: Instance): number {
  return INSTANCE_LIFE.indexOf(instance.state);
}

async function findInstance(store: Store, id: string): Promise<Instance | null> {
  for (const app of await store.listApps()) {
    const found = (await store.listInstances(app.name)).find((instance) => instance.id === id);
    if (found) return found;
  }
  return null;
}

/** Stopped so that the deploy that runs may start its own, or the old one again: never `web`. */
async function restsNow(store: Store, { app, process }: Instance): Promise<boolean> {
  return process !== "web" && (await restingTypes(store, app)).includes(process);
}

/** What was asked for last, by app. */
type Wishes = Map<string, { config?: { value: string; seq: number }; scale?: string }>;

interface Checked {
  wishes: Wishes;
  store: MemoryStore;
  containers: Map<string, { running: boolean }>;
  routers: WorldRouters;
  violations: string[];
  exclusive: boolean;
}

/** The invariants of docs/architecture.md, looked at after every call (`now`) and when all is quiet (`atRest`). */
function createChecks({ store, containers, routers, violations, wishes, exclusive }: Checked) {
  const versions = new Map<string, number>();
  const ranks = new Map<string, number>();
  const finals = new Map<string, string>();

  async function now(): Promise<void> {
    for (const app of await store.listApps()) {
      const route = await store.getRoute(app.name);
      if (route) {
        if (route.targets.length === 0) violations.push(`route of ${app.name} is empty`);
        for (const { id } of route.policy?.stopped ? [] : route.targets) {
          if (!containers.get(id)?.running)
            violations.push(`route names ${id}, which does not run`);
        }
        if (route.version < (versions.get(app.id) ?? 0)) violations.push("route version went back");
        versions.set(app.id, route.version);
      }
      const instances = await store.listInstances(app.name);
      const working = instances.filter(
        ({ id, process }) => process === "worker" && containers.get(id)?.running,
      );
      if (exclusive && new Set(working.map(({ deploy }) => deploy)).size > 1)
        violations.push(`two versions of worker run: ${working.map(({ id }) => id).join(", ")}`);
      for (const instance of instances) {
        if (rank(instance) < (ranks.get(instance.id) ?? 0))
          violations.push(`${instance.id} went back`);
        ranks.set(instance.id, rank(instance));
      }
      for (const deploy of await store.listDeploys(app.name, 100)) {
        const before = finals.get(deploy.id);
        if (before && before !== deploy.state)
          violations.push(`${deploy.id}: ${before} became ${deploy.state}`);
        if (deploy.finishedAt) finals.set(deploy.id, deploy.state);
      }
    }
    for (const { app, ids } of routers.views()) {
      for (const id of ids) {
        if (!containers.get(id)?.running)
          violations.push(`a router sends ${app} to ${id}, which does not run`);
      }
    }
  }

  async function atRest(): Promise<void> {
    await now();
    const recorded = new Set<string>();
    const resting = new Set<string>();
    for (const app of await store.listApps()) {
      if (app.state === "destroying") violations.push(`${app.name} is still being destroyed`);
      const deploys = await store.listDeploys(app.name, 100);
      for (const deploy of deploys) {
        if (!deploy.finishedAt) violations.push(`${deploy.id} never ended (${deploy.state})`);
      }
      const route = await store.getRoute(app.name);
      const last = deploys.find(
        ({ state, kind }) => state === "live" && !["scale", "domains", "routing"].includes(kind),
      );
      if ((route?.deploy ?? null) !== (last?.id ?? null)) {
        violations.push(`live is ${route?.deploy}, the last successful deploy ${last?.id}`);
      }
      const newest = deploys[0];
      const good = newest?.kind === "push" && newest.commit && !BAD.test(newest.commit);
      if (
        newest &&
        good &&
        !["live", "held", "cancelled"].includes(newest.state) &&
        newest.attempts < 3
      ) {
        violations.push(`${newest.id} is good and newest, and ended ${newest.state}`);
      }
      for (const instance of await store.listInstances(app.name)) {
        recorded.add(instance.id);
        if ((await store.getRoute(app.name))?.policy?.stopped) resting.add(instance.id);
        const held = instance.deploy === app.held?.deploy || instance.process !== "web";
        if (instance.state !== (held ? "healthy" : "live"))
          violations.push(`${instance.id} is left ${instance.state}`);
      }
      await wishesGranted(app, last);
    }
    for (const id of containers.keys()) {
      if (!recorded.has(id)) violations.push(`container ${id} is an orphan`);
    }
    for (const id of recorded) {
      if (!containers.get(id)?.running && !resting.has(id))
        violations.push(`${id} is on record and does not run`);
    }
  }

  /** What was scaled and configured is what is live, unless something newer says otherwise. */
  async function wishesGranted(app: App, last: Deploy | undefined): Promise<void> {
    const { scale, config } = wishes.get(app.name) ?? {};
    const scaled = scale && (await store.getDeploy(scale))?.state === "live";
    if (scaled && app.live) {
      const { formation } = await store.getSettings(app.name);
      const instances = await store.listInstances(app.name);
      const route = await store.getRoute(app.name);
      const workers = instances.filter((it) => it.process === "worker");
      if (route?.targets.length !== formation["web"])
        violations.push(`${route?.targets.length} web of ${app.name}, ${formation["web"]} wanted`);
      if (workers.length !== formation["worker"])
        violations.push(`${workers.length} workers of ${app.name}, ${formation["worker"]} wanted`);
    }
    const carries = last?.kind === "config" || (last?.kind === "push" && !last.hold);
    if (!config || !last || !carries || last.seq < config.seq) return;
    const live = app.live && (await store.getRelease(app.name, app.live.release));
    if (live?.config?.["C"] !== config.value)
      violations.push(`${app.name} has config ${live?.config?.["C"]}, ${config.value} was set`);
  }

  return { now, atRest };
}
