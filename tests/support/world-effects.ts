import { TealError } from "../../apps/errors.ts";
import type { Store } from "../../apps/store.ts";
import { INSTANCE_LIFE, type Instance } from "../../apps/types.ts";
import { restingTypes } from "../../workers/exclusive.ts";
import type { Effects } from "../../workers/ports.ts";
import type { Sabotage } from "./world.ts";

/** Commits that never become healthy. */
export const BAD = /^bad/;
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

/** Containers that are rows of a map. What is stopped against invariant 5 is a violation. */
export function createWorldEffects(
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

/** How far its life has come. */
export function rank(instance: Instance): number {
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
