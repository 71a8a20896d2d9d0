import type { App, Deploy, Instance } from "../../apps/types.ts";
import type { Route } from "../../router/contract.ts";
import type { MemoryStore } from "./memory-store.ts";
import { BAD, type Containers, rank } from "./world-effects.ts";
import { isShut, type WorldRouters } from "./world-routers.ts";

/** What was asked for last, by app. */
export type Wishes = Map<string, { config?: { value: string; seq: number }; scale?: string }>;

interface Checked {
  wishes: Wishes;
  store: MemoryStore;
  containers: Containers;
  routers: WorldRouters;
  violations: string[];
  exclusive: string[];
}

/** The invariants of docs/architecture.md, looked at after every call (`now`) and when all is quiet (`atRest`). */
export function createChecks({
  store,
  containers,
  routers,
  violations,
  wishes,
  exclusive,
}: Checked) {
  const versions = new Map<string, number>();
  const ranks = new Map<string, number>();
  const finals = new Map<string, string>();
  /** App to the newest version of its route at which nothing was sent to its targets. */
  const shut = new Map<string, number>();
  /** What routers without a lease went by then. */
  const late = new Set<string>();

  function checkRoute(app: App, route: Route): void {
    if (route.targets.length === 0) violations.push(`route of ${app.name} is empty`);
    if (isShut(route)) shut.set(app.name, route.version);
    for (const { id } of isShut(route) ? [] : route.targets) {
      if (!containers.get(id)?.running) violations.push(`route names ${id}, which does not run`);
    }
    if (route.version < (versions.get(app.id) ?? 0)) violations.push("route version went back");
    versions.set(app.id, route.version);
  }

  function checkInstances(instances: readonly Instance[]): void {
    for (const type of exclusive) {
      const working = instances.filter(
        ({ id, process }) => process === type && containers.get(id)?.running,
      );
      if (new Set(working.map(({ deploy }) => deploy)).size > 1)
        violations.push(`two versions of ${type} run: ${working.map(({ id }) => id).join(", ")}`);
    }
    for (const instance of instances) {
      if (rank(instance) < (ranks.get(instance.id) ?? 0))
        violations.push(`${instance.id} went back`);
      ranks.set(instance.id, rank(instance));
    }
  }

  function checkDeploys(deploys: readonly Deploy[]): void {
    for (const { id, state, finishedAt } of deploys) {
      const before = finals.get(id);
      if (before && before !== state) violations.push(`${id}: ${before} became ${state}`);
      if (finishedAt) finals.set(id, state);
    }
  }

  function now(): void {
    for (const { app, route, instances, deploys } of store.look()) {
      if (route) checkRoute(app, route);
      checkInstances(instances);
      checkDeploys(deploys);
    }
    for (const { router, app, ids, version } of routers.views()) {
      if (version < (shut.get(app) ?? 0)) {
        // One that is silent is waited for until its lease ends, and from then on gets no answer.
        const view = `${router} ${app} ${version}`;
        if (store.isExpired(router)) late.add(view);
        if (late.has(view)) continue;
      }
      for (const id of ids) {
        if (!containers.get(id)?.running)
          violations.push(`a router sends ${app} to ${id}, which does not run`);
      }
    }
  }

  async function atRest(): Promise<void> {
    now();
    const recorded = new Set<string>();
    const resting = new Set<string>();
    for (const app of await store.listApps()) {
      if (app.state === "destroying") violations.push(`${app.name} is still being destroyed`);
      const route = await store.getRoute(app.name);
      const deploys = await store.listDeploys(app.name, 100);
      const last = deploys.find(
        ({ state, kind }) => state === "live" && !["scale", "domains", "routing"].includes(kind),
      );
      if ((route?.deploy ?? null) !== (last?.id ?? null)) {
        violations.push(`live is ${route?.deploy}, the last successful deploy ${last?.id}`);
      }
      allEnded(deploys);
      for (const instance of await store.listInstances(app.name)) {
        recorded.add(instance.id);
        if (route?.policy?.stopped) resting.add(instance.id);
        const held = instance.deploy === app.held?.deploy || instance.process !== "web";
        if (instance.state !== (held ? "healthy" : "live"))
          violations.push(`${instance.id} is left ${instance.state}`);
      }
      const { options } = await store.getSettings(app.name);
      if (route && (route.policy?.stopped ?? false) !== (options.stopped ?? false))
        violations.push(
          `${app.name} is to be stopped: ${options.stopped}, and its route is not so`,
        );
      if (route?.policy?.restsMs !== undefined) violations.push(`${app.name} is left at rest`);
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

  /** Each deploy has ended, and a good newest push well. */
  function allEnded(deploys: Deploy[]): void {
    for (const deploy of deploys) {
      if (!deploy.finishedAt) violations.push(`${deploy.id} never ended (${deploy.state})`);
    }
    const [newest] = deploys;
    if (newest?.kind !== "push" || !newest.commit || BAD.test(newest.commit)) return;
    const well = ["live", "held", "cancelled"].includes(newest.state) || newest.attempts >= 3;
    if (!well) violations.push(`${newest.id} is good and newest, and ended ${newest.state}`);
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
