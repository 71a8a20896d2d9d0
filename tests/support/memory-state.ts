import { isDeepStrictEqual } from "node:util";
import type {
  IdleColour,
  IdleColours,
  Route,
  RouteEvent,
  RouterReport,
} from "../../router/contract.ts";
import { TealError } from "../../apps/errors.ts";
import { wildcardOver } from "../../apps/hosts.ts";
import { KEEP_DEPLOYS } from "../../apps/store-scripts.ts";
import type { Claim } from "../../apps/store.ts";
import {
  FINAL_STATES,
  INSTANCE_LIFE,
  type App,
  type AppSettings,
  type Deploy,
  type FinalState,
  type Instance,
  type InstanceState,
  type Release,
} from "../../apps/types.ts";

export interface AppRecord {
  app: App;
  seq: number;
  /** Oldest first. */
  deploys: string[];
  running: string | null;
  lease: { executor: string; until: number } | null;
  prepared: { swap: string; until: number } | null;
  route: Route | null;
  releases: Release[];
  settings: AppSettings;
  instances: Map<string, Instance>;
  /** What the routers were told to run beside the live colour. */
  idle: Pick<IdleColours, "held" | "standby">;
}

export interface MemoryOptions {
  /** ms */
  now: () => number;
  publish: (event: RouteEvent) => void;
}

/** What the in-memory store remembers, and the steps that several of its transitions share. */
export interface State extends MemoryOptions {
  apps: Map<string, AppRecord>;
  deploys: Map<string, Deploy>;
  steps: Map<string, Map<string, string>>;
  /** Deploy to its removed instances. */
  gone: Map<string, Set<string>>;
  hosts: Map<string, string>;
  routers: Map<string, { report: RouterReport; until: number }>;
  past: Map<string, { token: number; seq: number; routeVersion: number }>;
  appsMade: number;
  idlesSeq: number;
}

export const rank = (state: InstanceState) => INSTANCE_LIFE.indexOf(state);
export const isFinal = (deploy: Deploy) =>
  (FINAL_STATES as readonly string[]).includes(deploy.state);

/** The record of the claim's app. @throws fenced */
export function guard(state: State, { app, token }: Claim): AppRecord {
  const record = state.apps.get(app);
  if (record?.app.state === "active" && record.app.token === token) return record;
  throw new TealError("fenced", { name: app, token });
}

/** @throws deploy-not-found */
export function deployOf(state: State, app: string, id: string): Deploy {
  const deploy = state.deploys.get(id);
  if (deploy?.app === app) return deploy;
  throw new TealError("deploy-not-found", { id });
}

export const queuedOf = (state: State, { deploys }: AppRecord): Deploy[] =>
  deploys
    .map((id) => state.deploys.get(id) as Deploy)
    .filter((deploy) => deploy.state === "queued");

export function finish(state: State, deploy: Deploy, final: FinalState, why = ""): void {
  if (isFinal(deploy)) return;
  deploy.state = final;
  deploy.finishedAt = state.now();
  if (final === "live") delete deploy.error;
  else if (why !== "") deploy.error = why;
  const record = state.apps.get(deploy.app) as AppRecord;
  if (record.running === deploy.id) record.running = null;
  trimDeploys(state, record);
}

/** The deploys that something which serves is of. */
function keptDeploys({ app, route }: AppRecord): Set<string | undefined> {
  return new Set([app.live?.deploy, app.standby?.deploy, app.held?.deploy, route?.deploy]);
}

export function forgetDeploy(state: State, id: string): void {
  state.deploys.delete(id);
  state.steps.delete(id);
  state.gone.delete(id);
}

function trimDeploys(state: State, record: AppRecord): void {
  const kept = keptDeploys(record);
  const finished = record.deploys.filter((id) => isFinal(state.deploys.get(id) as Deploy));
  const excess = Math.max(0, finished.length - KEEP_DEPLOYS);
  for (const id of finished.filter((it) => !kept.has(it)).slice(0, excess)) {
    record.deploys.splice(record.deploys.indexOf(id), 1);
    forgetDeploy(state, id);
  }
}

export function askToCancel(deploy: Deploy, why: string): void {
  if (deploy.cancelRequested) return;
  deploy.cancelRequested = true;
  deploy.error = why;
}

/** @throws deploy-not-found, deploy-cancelled, deploy-finished */
export function assertMaySwap(state: State, app: string, id: string): void {
  const deploy = deployOf(state, app, id);
  const why = deploy.error === undefined ? "" : `: ${deploy.error}`;
  if (deploy.cancelRequested) throw new TealError("deploy-cancelled", { id, why });
  if (isFinal(deploy)) throw new TealError("deploy-finished", { id, state: deploy.state });
}

/** The swap whose commit would still be taken. */
export function preparedSwap(state: State, { prepared }: AppRecord): string | null {
  return prepared && prepared.until > state.now() ? prepared.swap : null;
}

export function dropHold(state: State, record: AppRecord, except?: string): void {
  const swap = preparedSwap(state, record);
  if (swap === null || swap === except) return;
  record.prepared = null;
  state.publish({ type: "unhold", app: record.app.name, swap });
}

export function retireInstance(state: State, { app }: AppRecord, instance: Instance): void {
  if (rank(instance.state) >= rank("retired")) return;
  const { process, state: before, deploy } = instance;
  if (process === "web" && before === "healthy" && app.held?.deploy === deploy) app.held = null;
  if (instance.state === "live" && app.standby?.deploy === instance.deploy) app.standby = null;
  instance.state = "retired";
  instance.retiredVersion = app.routeVersion;
  instance.retiredAt = state.now();
}

/** @throws host-taken */
export function assertHostsFree(state: State, name: string, hosts: string[]): void {
  for (const host of hosts) {
    const owner = state.hosts.get(host) ?? state.hosts.get(wildcardOver(host)) ?? name;
    if (owner !== name) throw new TealError("host-taken", { host, owner, name });
  }
}

function idleColour(record: AppRecord, slot: "held" | "standby"): IdleColour | null {
  const runs = record.app[slot];
  const state = slot === "held" ? "healthy" : "live";
  const targets = [...record.instances.values()]
    .filter((one) => one.process === "web" && one.deploy === runs?.deploy && one.state === state)
    .flatMap(({ id, host, port }) => (host && port ? [{ id, host, port }] : []))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (!runs || targets.length === 0) return null;
  return { colour: runs.colour, release: runs.release, targets };
}

/** Tells the routers what runs beside the live colour now, if that has changed. */
export function tellIdle(state: State, record: AppRecord): void {
  const held = idleColour(record, "held");
  const standby = idleColour(record, "standby");
  const idle = { ...(held && { held }), ...(standby && { standby }) };
  if (isDeepStrictEqual(idle, record.idle)) return;
  record.idle = idle;
  const version = (state.idlesSeq += 1);
  const app = record.app.name;
  state.publish({ type: "idle", idle: structuredClone({ app, version, ...idle }) });
}
