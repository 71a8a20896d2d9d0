import { TealError } from "../../apps/errors.ts";
import type { NewInstance, Store } from "../../apps/store.ts";
import type { Instance } from "../../apps/types.ts";
import {
  deployOf,
  guard,
  rank,
  retireInstance,
  tellIdle,
  type AppRecord,
  type State,
} from "./memory-state.ts";

type InstancePart = Pick<
  Store,
  | "recordInstances"
  | "advanceInstance"
  | "listInstances"
  | "removedInstances"
  | "retire"
  | "markGone"
>;

/** The lives of instances, in memory. */
export function createMemoryInstances(state: State): InstancePart {
  return {
    async recordInstances(claim, instances) {
      const record = guard(state, claim);
      for (const [id, instance] of place(state, record, instances))
        record.instances.set(id, instance);
      return instances.map(({ id }) => structuredClone(record.instances.get(id) as Instance));
    },
    async advanceInstance(claim, id, to, address) {
      const instance = guard(state, claim).instances.get(id);
      if (!instance || rank(instance.state) >= rank("retired")) {
        throw new TealError("instance-retired", {
          instance: id,
          state: instance?.state ?? "removed",
        });
      }
      if (rank(to) > rank(instance.state)) Object.assign(instance, { state: to }, address);
    },
    async listInstances(app) {
      const all = [...(state.apps.get(app)?.instances.values() ?? [])];
      return structuredClone(all.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
    },
    async removedInstances(deploy) {
      return [...(state.gone.get(deploy) ?? [])].toSorted();
    },
    async retire(claim, ids) {
      const record = guard(state, claim);
      const { app, route, instances } = record;
      const live = ids.find((id) => route?.targets.some((target) => target.id === id));
      if (live !== undefined)
        throw new TealError("instance-live", { instance: live, name: app.name });
      const found = ids.map((id) => instances.get(id)).filter((it) => it !== undefined);
      for (const instance of found) retireInstance(state, record, instance);
      tellIdle(state, record);
      return structuredClone(found);
    },
    async markGone(id, to) {
      for (const { instances } of state.apps.values()) {
        const instance = instances.get(id);
        if (!instance || rank(instance.state) < rank("retired")) continue;
        if (to === "stopped") instance.state = "stopped";
        else remove(state, instances, instance);
      }
    },
  };
}

function remove(state: State, instances: Map<string, Instance>, { id, deploy }: Instance): void {
  instances.delete(id);
  if (!state.deploys.has(deploy)) return;
  const gone = state.gone.get(deploy) ?? new Set();
  state.gone.set(deploy, gone.add(id));
}

/** The records of those that have none yet. @throws internal, deploy-not-found, instance-retired, no-free-slot */
function place(
  state: State,
  { app, instances }: AppRecord,
  wanted: NewInstance[],
): Map<string, Instance> {
  const taken = new Set([...instances.values()].map((instance) => instance.slot));
  const placed = new Map<string, Instance>();
  for (const it of wanted) {
    const owner = [...state.apps.values()].find((other) => other.instances.has(it.id))?.app.name;
    if (owner !== undefined && owner !== app.name) {
      throw new TealError("internal", {
        detail: `instance ${it.id} is on record for app ${owner}`,
      });
    }
    deployOf(state, app.name, it.deploy);
    if (state.gone.get(it.deploy)?.has(it.id)) {
      throw new TealError("instance-retired", { instance: it.id, state: "removed" });
    }
    if (owner !== undefined || placed.has(it.id)) continue;
    let slot = 2;
    while (taken.has(slot)) slot += 1;
    if (slot > 62) throw new TealError("no-free-slot", { name: app.name, slots: instances.size });
    taken.add(slot);
    const { id, deploy, release, colour, process, index } = it;
    placed.set(id, {
      id,
      app: app.name,
      deploy,
      release,
      colour,
      process,
      index,
      state: "created",
      slot,
    });
  }
  return placed;
}
