import type { Route, RouterReport } from "../../router/contract.ts";
import { TealError } from "../../apps/errors.ts";
import { DELIVERY_TTL_S } from "../../apps/store-scripts.ts";
import type { Store } from "../../apps/store.ts";
import {
  type App,
  APP_NAME,
  type Deploy,
  type Instance,
  type Intent,
  MAX_ATTEMPTS,
  type Release,
  SUPERSEDES,
} from "../../apps/types.ts";
import { isNeeded } from "../../workers/hand-over.ts";
import { createMemoryInstances } from "./memory-instances.ts";
import {
  askToCancel,
  deployOf,
  dropHold,
  finish,
  forgetDeploy,
  guard,
  isFinal,
  queuedOf,
  retireInstance,
  tellIdle,
  type AppRecord,
  type MemoryOptions,
  type State,
} from "./memory-state.ts";
import { createMemorySettings, noSettings } from "./memory-settings.ts";
import { createMemorySwaps } from "./memory-swap.ts";

/** One app with all that is on record of it. */
interface Look {
  readonly app: App;
  readonly route: Route | null;
  readonly instances: readonly Instance[];
  readonly deploys: readonly Deploy[];
}

export interface MemoryStore extends Store {
  /** All there is at this moment; not copies, and so not to be changed. */
  look(): Look[];
  /** The router has no lease now. */
  isExpired(router: string): boolean;
  /** What a router does by itself: its report, and the time its lease ends (ms). */
  heartbeat(report: RouterReport, leaseEnd: number): void;
}

/**
 * The store in memory, for property tests: the same answers as the one on Redis (store-conformance
 * drives both), at once and deterministic. Nothing that it takes or gives is shared with the caller.
 */
export function createMemoryStore(options: MemoryOptions): MemoryStore {
  const state: State = {
    ...options,
    apps: new Map(),
    deploys: new Map(),
    steps: new Map(),
    gone: new Map(),
    hosts: new Map(),
    routers: new Map(),
    past: new Map(),
    appsMade: 0,
    idlesSeq: 0,
  };
  return {
    ...createApps(state),
    ...createMemorySettings(state),
    ...createDeploys(state),
    ...createExecution(state),
    ...createReleases(state),
    ...createMemoryInstances(state),
    ...createMemorySwaps(state),
    async publish(event) {
      state.publish(structuredClone(event));
    },
    isExpired: (router) => (state.routers.get(router)?.until ?? 0) <= state.now(),
    async routers() {
      const known = [...state.routers.values()].toSorted((a, b) => a.until - b.until);
      return known.map(({ report, until }) => ({
        ...structuredClone(report),
        expired: until <= state.now(),
      }));
    },
    look: () =>
      [...state.apps.values()].map(({ app, route, instances, deploys }) => ({
        ...{ app, route, instances: [...instances.values()] },
        deploys: deploys.map((id) => state.deploys.get(id) as Deploy),
      })),
    heartbeat(report, leaseEnd) {
      state.routers.set(report.id, { report: structuredClone(report), until: leaseEnd });
    },
  };
}

type AppPart = Pick<
  Store,
  "createApp" | "getApp" | "listApps" | "destroyApp" | "forgetApp" | "appsWithWork" | "orphaned"
>;

function createApps(state: State): AppPart {
  const sorted = () =>
    [...state.apps.values()].toSorted((a, b) => (a.app.name < b.app.name ? -1 : 1));
  return {
    async createApp(name, by) {
      if (!APP_NAME.test(name)) throw new TealError("bad-app-name", { name });
      const there = state.apps.get(name)?.app.state;
      if (there) throw new TealError(there === "active" ? "app-exists" : "app-destroyed", { name });
      const record = newApp(state, name, by);
      state.apps.set(name, record);
      return structuredClone(record.app);
    },
    async getApp(name) {
      return structuredClone(state.apps.get(name)?.app ?? null);
    },
    async listApps() {
      return sorted().map(({ app }) => structuredClone(app));
    },
    async destroyApp(name, volumes = false) {
      const record = state.apps.get(name);
      if (!record) throw new TealError("app-not-found", { name });
      if (record.app.state === "active") {
        bury(state, record);
        if (volumes) record.app.removeVolumes = true;
      }
      return structuredClone(record.app);
    },
    async forgetApp(name, id) {
      const record = state.apps.get(name);
      if (record?.app.state !== "destroying" || record.app.id !== id) return;
      const { token, routeVersion } = record.app;
      state.past.set(name, { token, seq: record.seq, routeVersion });
      for (const deploy of record.deploys) forgetDeploy(state, deploy);
      state.apps.delete(name);
    },
    async appsWithWork() {
      const busy = (record: AppRecord) =>
        record.running !== null || queuedOf(state, record).length > 0;
      return sorted()
        .filter((record) => record.app.state === "destroying" || busy(record))
        .map(({ app }) => app.name);
    },
    async orphaned(name) {
      const record = state.apps.get(name);
      if (record?.app.state !== "active" || record.running === null) return false;
      return record.lease === null || record.lease.until <= state.now();
    },
  };
}

function newApp(state: State, name: string, createdBy: string): AppRecord {
  const { seq, ...past } = state.past.get(name) ?? { token: 0, seq: 0, routeVersion: 0 };
  state.past.delete(name);
  const id = `app-${(state.appsMade += 1)}`;
  return {
    app: {
      name,
      id,
      createdAt: state.now(),
      createdBy,
      state: "active",
      ...past,
      live: null,
      standby: null,
      held: null,
    },
    seq,
    deploys: [],
    running: null,
    lease: null,
    prepared: null,
    route: null,
    releases: [],
    settings: noSettings(),
    idle: {},
    instances: new Map(),
  };
}

function bury(state: State, record: AppRecord): void {
  const { app } = record;
  app.state = "destroying";
  app.token += 1;
  record.lease = null;
  record.prepared = null;
  const unfinished = record.deploys
    .map((id) => state.deploys.get(id) as Deploy)
    .filter((it) => !isFinal(it));
  for (const deploy of unfinished) finish(state, deploy, "cancelled", "the app was destroyed");
  if (record.route) {
    app.routeVersion += 1;
    state.publish({ type: "gone", app: app.name, version: app.routeVersion });
  }
  for (const [host, owner] of state.hosts) if (owner === app.name) state.hosts.delete(host);
  record.route = null;
  app.live = null;
  app.standby = null;
  app.held = null;
  record.settings = noSettings();
  for (const instance of record.instances.values()) retireInstance(state, record, instance);
  tellIdle(state, record);
}

type DeployPart = Pick<Store, "requestDeploy" | "getDeploy" | "listDeploys" | "cancelDeploy">;

function assertGuards(state: State, record: AppRecord, id: string): void {
  if (record.route?.deploy !== id) throw new TealError("guard-moot", { id });
  const newer = waitingOf(state, record);
  if (newer) throw new TealError("guard-waits", { id: newer.id });
}

function takePromotion(state: State, record: AppRecord, id: string): void {
  const { app } = record;
  if (app.held?.deploy !== id || app.held.promoteAt === undefined)
    throw new TealError("nothing-held", { name: app.name });
  const newer = waitingOf(state, record);
  if (newer) throw new TealError("promote-waits", { id: newer.id });
  delete app.held.promoteAt;
}

/** Something newer that is queued or running, and will be live. */
function waitingOf(state: State, record: AppRecord): Deploy | undefined {
  const running = record.running === null ? [] : [state.deploys.get(record.running) as Deploy];
  return [...queuedOf(state, record), ...running].find(({ kind }) =>
    SUPERSEDES.rollback.includes(kind),
  );
}

function createDeploys(state: State): DeployPart {
  return {
    async requestDeploy(intent) {
      const { app: name, kind, delivery, guardOf, promoteOf } = intent;
      const record = state.apps.get(name);
      if (!record) throw new TealError("app-not-found", { name });
      if (record.app.state !== "active") throw new TealError("app-destroyed", { name });
      const since = state.now() - DELIVERY_TTL_S * 1000;
      const made = [...state.deploys.values()].findLast(
        (one) => one.app === name && one.delivery && one.delivery === delivery,
      );
      if (made && made.createdAt > since) return structuredClone(made);
      if (guardOf !== undefined) assertGuards(state, record, guardOf);
      if (promoteOf !== undefined) takePromotion(state, record, promoteOf);
      record.seq += 1;
      const id = `${name}-${record.seq}`;
      for (const older of queuedOf(state, record)) {
        if (!SUPERSEDES[kind].includes(older.kind)) continue;
        older.supersededBy = id;
        finish(state, older, "superseded", `superseded by ${id}`);
      }
      const said = Object.entries(intent).filter(([, value]) => value !== undefined);
      const deploy: Deploy = {
        ...(Object.fromEntries(said) as unknown as Intent),
        id,
        seq: record.seq,
        state: "queued",
        createdAt: state.now(),
        attempts: 0,
        cancelRequested: false,
      };
      state.deploys.set(id, deploy);
      record.deploys.push(id);
      const running = record.running === null ? null : state.deploys.get(record.running);
      const cancels =
        running && running.kind !== "rollback" && SUPERSEDES.rollback.includes(running.kind);
      if (kind === "rollback" && cancels) askToCancel(running, "rolled back");
      return structuredClone(deploy);
    },
    async getDeploy(id) {
      return structuredClone(state.deploys.get(id) ?? null);
    },
    async listDeploys(app, limit) {
      const ids = limit < 1 ? [] : (state.apps.get(app)?.deploys ?? []).slice(-limit);
      return ids.toReversed().map((id) => structuredClone(state.deploys.get(id) as Deploy));
    },
    async cancelDeploy(id, why) {
      const deploy = state.deploys.get(id);
      if (!deploy) throw new TealError("deploy-not-found", { id });
      if (isFinal(deploy)) throw new TealError("deploy-finished", { id, state: deploy.state });
      if (deploy.state === "queued") finish(state, deploy, "cancelled", why);
      else askToCancel(deploy, why);
      return structuredClone(deploy);
    },
  };
}

type ExecutionPart = Pick<
  Store,
  "claim" | "renew" | "release" | "recordStep" | "getSteps" | "finishDeploy"
>;

function createExecution(state: State): ExecutionPart {
  return {
    async claim(app, executor, leaseMs) {
      const record = state.apps.get(app);
      const leased = record?.lease && record.lease.until > state.now();
      if (record?.app.state !== "active" || leased) return null;
      const deploy = nextDeploy(state, record);
      if (!deploy) return null;
      deploy.attempts += 1;
      dropHold(state, record);
      record.app.token += 1;
      record.lease = { executor, until: state.now() + leaseMs };
      return { claim: { app, token: record.app.token }, deploy: structuredClone(deploy) };
    },
    async renew({ app, token }, executor, leaseMs) {
      const record = state.apps.get(app);
      if (record?.app.state !== "active" || record.app.token !== token) return false;
      record.lease = { executor, until: state.now() + leaseMs };
      return true;
    },
    async release({ app, token }) {
      const record = state.apps.get(app);
      if (record?.app.state !== "active") return record !== undefined;
      if (record.app.token !== token) return false;
      record.app.token += 1;
      record.lease = null;
      dropHold(state, record);
      return record.running !== null || queuedOf(state, record).length > 0;
    },
    async recordStep(claim, deploy, step, result) {
      guard(state, claim);
      deployOf(state, claim.app, deploy);
      const steps = state.steps.get(deploy) ?? new Map<string, string>();
      state.steps.set(deploy, steps);
      if (!steps.has(step)) steps.set(step, JSON.stringify(result ?? null));
    },
    async getSteps(deploy) {
      const steps = [...(state.steps.get(deploy) ?? [])];
      return Object.fromEntries(steps.map(([step, json]) => [step, JSON.parse(json) as unknown]));
    },
    async finishDeploy(claim, deploy, final, error) {
      guard(state, claim);
      finish(state, deployOf(state, claim.app, deploy), final, error);
    },
  };
}

/** The running deploy, unless it was taken up too often; else the queued one, running from now on. */
function nextDeploy(state: State, record: AppRecord): Deploy | null {
  const left = record.running === null ? null : (state.deploys.get(record.running) as Deploy);
  if (left && left.attempts < MAX_ATTEMPTS) return left;
  if (left) {
    const { says } = new TealError("too-many-attempts", { id: left.id, attempts: MAX_ATTEMPTS });
    finish(state, left, record.route?.deploy === left.id ? "live" : "failed", says);
    record.app.token += 1;
    dropHold(state, record);
    retireLeftovers(state, record);
  }
  const [queued] = queuedOf(state, record);
  if (!queued) return null;
  record.running = queued.id;
  queued.state = "running";
  queued.startedAt = state.now();
  return queued;
}

function retireLeftovers(state: State, record: AppRecord): void {
  for (const instance of record.instances.values()) {
    if (!isNeeded(record.app, record.route, instance)) retireInstance(state, record, instance);
  }
  tellIdle(state, record);
}

type ReleasePart = Pick<Store, "createRelease" | "getRelease" | "listReleases">;

function createReleases(state: State): ReleasePart {
  return {
    async createRelease(claim, release) {
      const { releases } = guard(state, claim);
      const deploy = deployOf(state, claim.app, release.deploy);
      if (deploy.release === undefined) {
        deploy.release = releases.length + 1;
        const { app } = claim;
        releases.push({
          app,
          ...structuredClone(release),
          n: deploy.release,
          createdAt: state.now(),
        });
      }
      return structuredClone(releases[deploy.release - 1] as Release);
    },
    async getRelease(app, n) {
      return structuredClone(state.apps.get(app)?.releases[n - 1] ?? null);
    },
    async listReleases(app) {
      return structuredClone(state.apps.get(app)?.releases ?? []).toReversed();
    },
  };
}
