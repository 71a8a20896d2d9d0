import { TealError } from "../../apps/errors.ts";
import type { Store } from "../../apps/store.ts";
import { INSTANCE_LIFE, type Instance } from "../../apps/types.ts";
import { restingTypes } from "../../workers/exclusive.ts";
import type { Effects } from "../../workers/ports.ts";
import type { Sabotage } from "./world.ts";
import { isShut } from "./world-routers.ts";

/** Commits that never become healthy. */
export const BAD = /^bad/;
const exclusiveJson = (types: string[]) => ({
  formation: { worker: 1 },
  env: {},
  runtime: Object.fromEntries(types.map((type) => [type, { handover: "exclusive" as const }])),
});

/** Containers by instance; each that is made is another one. */
export type Containers = Map<string, { running: boolean; made: string }>;

interface EffectsOptions {
  containers: Containers;
  violations: string[];
  exclusive: string[];
  sabotage: Sabotage;
}

/** Containers that are rows of a map. What is stopped against invariant 5 is a violation. */
export function createWorldEffects(
  store: Store,
  { containers, violations, exclusive, sabotage }: EffectsOptions,
): Effects & {
  listContainers(): Promise<{ id: string; app: string; running: boolean; oneOffOf: null }[]>;
} {
  let count = 0;
  /** The one that is meant. */
  const find = (id: string, made?: string) => {
    const container = containers.get(id);
    const meant = made === undefined || made === container?.made || sabotage.containersStay;
    return meant ? container : undefined;
  };
  const run = (instance: Instance, made: string) => {
    const container = find(instance.id, made);
    if (!container)
      throw new TealError("instance-retired", { instance: instance.id, state: "removed" });
    container.running = true;
    return { host: `10.0.0.${instance.slot}`, port: 5000 };
  };
  return {
    fetchSource: async (deploy) => deploy.commit ?? "",
    checkout: async () => ({ dir: "/", done: async () => {} }),
    build: async ({ commit }) => ({
      ...(commit?.startsWith("packed") && { buildpacks: [`https://example.com/a#${commit}`] }),
      image: "sha256:1",
      imageBytes: 1,
      processes: { web: "x", worker: "x" },
      port: 5000,
      ...(exclusive.length > 0 && { appJson: exclusiveJson(exclusive) }),
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
    async createContainer(_app, { id }) {
      const container = containers.get(id) ?? { running: false, made: `c${(count += 1)}` };
      containers.set(id, container);
      return container.made;
    },
    startContainer: async (_app, instance, _release, made) => run(instance, made),
    containerOf: async (id) => containers.get(id)?.made ?? null,
    async check(_app, _instance, release) {
      if (BAD.test(release.commit)) {
        throw new TealError("check-failed", { instance: "web.1", seconds: 1, detail: "bad" });
      }
    },
    unfit: async ({ id }) => (containers.get(id)?.running ? null : "it does not run"),
    keepRunning: async () => {},
    async stopContainer(id, made) {
      const container = find(id, made);
      if (!container) return;
      const recorded = await findInstance(store, id);
      const retired = !recorded || rank(recorded) >= INSTANCE_LIFE.indexOf("retired");
      const stopped = recorded && (await isShutEverywhere(store, recorded.app));
      const rests = recorded && (await restsNow(store, recorded));
      if (rests && sabotage.nothingRests) return;
      if (!retired && !stopped && !rests)
        violations.push(`${id} was stopped without a recorded retirement`);
      container.running = false;
    },
    async removeContainer(id, made) {
      const stays = (sabotage.containersStay || sabotage.nothingRests) && made !== undefined;
      if (find(id, made) && !stays) containers.delete(id);
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

/** Its requests go nowhere, and every router that has a lease knows. */
async function isShutEverywhere(store: Store, app: string): Promise<boolean> {
  const route = await store.getRoute(app);
  if (!route || !isShut(route)) return false;
  const routers = (await store.routers()).filter(({ expired }) => !expired);
  return routers.every(({ acks }) => (acks[app] ?? 0) >= route.version);
}

/** Stopped so that the deploy that runs may start its own, or the old one again: never `web`. */
async function restsNow(store: Store, { app, process }: Instance): Promise<boolean> {
  return process !== "web" && (await restingTypes(store, app)).includes(process);
}
