import type { Route, Target } from "../../router/contract.ts";
import { TealError } from "../../apps/errors.ts";
import type { Store, Swap } from "../../apps/store.ts";
import type { Instance } from "../../apps/types.ts";
import {
  assertMaySwap,
  assertHostsFree,
  deployOf,
  dropHold,
  finish,
  guard,
  preparedSwap,
  retireInstance,
  tellIdle,
  type AppRecord,
  type State,
} from "./memory-state.ts";

type SwapPart = Pick<
  Store,
  | "prepareSwap"
  | "abandonSwap"
  | "commitSwap"
  | "getRoute"
  | "updateRoute"
  | "holdColour"
  | "dropHeld"
>;

/** The two phases of a swap, in memory. */
export function createMemorySwaps(state: State): SwapPart {
  return {
    async prepareSwap(claim, deploy, swap, { commitMs, holdMs }) {
      const record = guard(state, claim);
      assertMaySwap(state, claim.app, deploy);
      dropHold(state, record, swap);
      record.prepared = { swap, until: state.now() + commitMs };
      state.publish({ type: "prepare", app: claim.app, swap, holdMs });
    },
    async abandonSwap(claim, swap) {
      const record = guard(state, claim);
      if (record.prepared?.swap === swap) record.prepared = null;
      state.publish({ type: "unhold", app: claim.app, swap });
    },
    async commitSwap(claim, swap) {
      if (swap.targets.length === 0)
        throw new TealError("internal", { detail: "a route without targets" });
      const record = guard(state, claim);
      if (record.route?.deploy === swap.deploy) {
        dropHold(state, record);
        return structuredClone(record.route);
      }
      const route = check(state, record, swap);
      commit(state, record, swap, route);
      state.publish({ type: "route", route: structuredClone(route), swap: swap.id });
      tellIdle(state, record);
      return structuredClone(route);
    },
    async updateRoute(claim, update) {
      if (update.targets.length === 0)
        throw new TealError("internal", { detail: "a route without targets" });
      const record = guard(state, claim);
      const { name, routeVersion: actual, live } = record.app;
      const { expectedVersion: expected } = update;
      if (!record.route || expected !== actual)
        throw new TealError("route-conflict", { name, expected, actual });
      const stranger = update.targets.find((id) => {
        const instance = record.instances.get(id);
        return instance && instance.deploy !== live?.deploy;
      });
      if (stranger !== undefined) {
        throw new TealError("internal", {
          detail: `instance ${stranger} is not of the live colour`,
        });
      }
      const targets = update.targets.map((id) => targetOf(record, id));
      assertHostsFree(state, name, update.hosts);
      const { policy: _before, ...route } = record.route;
      writeRoute(state, record, {
        ...route,
        version: actual + 1,
        targets,
        hosts: [...update.hosts],
        ...(update.policy && { policy: structuredClone(update.policy) }),
      });
      state.publish({ type: "route", route: structuredClone(record.route) });
      return structuredClone(record.route);
    },
    async holdColour(claim, { deploy, release, colour, targets, note }) {
      const record = guard(state, claim);
      assertMaySwap(state, claim.app, deploy);
      for (const id of targets) {
        const at = record.instances.get(id)?.state ?? "removed";
        if (at !== "healthy") throw new TealError("instance-retired", { instance: id, state: at });
      }
      const before = record.app.held?.deploy;
      if (before && before !== deploy) retireAllOf(state, record, before);
      const { promoteAfter } = deployOf(state, claim.app, deploy);
      const since = state.now();
      const promoteAt = promoteAfter === undefined ? {} : { promoteAt: since + promoteAfter };
      record.app.held = { colour, release, deploy, since, ...promoteAt };
      tellIdle(state, record);
      finish(state, deployOf(state, claim.app, deploy), "held", note);
    },
    async dropHeld(name) {
      const record = state.apps.get(name);
      if (!record) throw new TealError("app-not-found", { name });
      if (!record.app.held) throw new TealError("nothing-held", { name });
      retireAllOf(state, record, record.app.held.deploy);
      record.app.held = null;
      tellIdle(state, record);
    },
    async getRoute(app) {
      return structuredClone(state.apps.get(app)?.route ?? null);
    },
  };
}

/** The route to be, once nothing speaks against it. */
function check(state: State, record: AppRecord, swap: Swap): Route {
  const { name, routeVersion: actual } = record.app;
  const { expectedVersion: expected, release, colour, deploy, hosts, drainMs, policy } = swap;
  assertMaySwap(state, name, deploy);
  if (expected !== actual) throw new TealError("route-conflict", { name, expected, actual });
  if (record.route && preparedSwap(state, record) !== swap.id) {
    throw new TealError("hold-expired", { name, swap: swap.id });
  }
  const targets = swap.targets.map((id) => targetOf(record, id));
  assertHostsFree(state, name, hosts);
  return {
    app: name,
    version: actual + 1,
    colour,
    release,
    deploy,
    hosts: [...hosts],
    targets,
    drainMs,
    ...(policy && { policy: structuredClone(policy) }),
  };
}

function targetOf(record: AppRecord, id: string): Target {
  const instance = record.instances.get(id);
  if (instance?.state !== "healthy" && instance?.state !== "live") {
    throw new TealError("instance-retired", { instance: id, state: instance?.state ?? "removed" });
  }
  const { host, port } = instance;
  if (host === undefined || port === undefined) {
    throw new TealError("internal", { detail: `instance ${id} has no address` });
  }
  return { id, host, port };
}

function commit(state: State, record: AppRecord, swap: Swap, route: Route): void {
  const { app } = record;
  if (app.live && app.live.deploy !== swap.startedBy) app.standby = app.live;
  const { colour, release, startedBy: deploy } = swap;
  app.live = { colour, release, deploy, since: state.now() };
  app.held = null;
  const config = new Map(Object.entries(record.releases[release - 1]?.config ?? {}));
  for (const [name, sealed] of Object.entries(record.settings.staged)) {
    if (sealed === (config.get(name) ?? null)) delete record.settings.staged[name];
  }
  writeRoute(state, record, route);
}

function writeRoute(state: State, record: AppRecord, route: Route): void {
  const { app, settings } = record;
  app.routeVersion = route.version;
  record.route = route;
  record.prepared = null;
  for (const { id } of route.targets) (record.instances.get(id) as Instance).state = "live";
  for (const [host, owner] of state.hosts) if (owner === app.name) state.hosts.delete(host);
  for (const host of [...route.hosts, ...settings.domains]) state.hosts.set(host, app.name);
}

function retireAllOf(state: State, record: AppRecord, deploy: string): void {
  for (const instance of record.instances.values()) {
    if (instance.deploy === deploy) retireInstance(state, record, instance);
  }
}
