import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import type { App, Instance, Release } from "../apps/types.ts";
import { createAside } from "./aside.ts";
import { isAlive } from "./process-id.ts";
import type { RunState } from "./engine/listed.ts";
import { isKeptOut, restingTypes } from "./exclusive.ts";
import { isNeeded, isRetired } from "./hand-over.ts";
import type { Effects } from "./ports.ts";
import type { Reaper } from "./reaper.ts";

/** A container that carries this platform's labels. */
export interface FoundContainer {
  id: string;
  app: string;
  running: boolean;
  /** The deploy it serves, when it is a one-off (a release command), not an instance. */
  oneOffOf: string | null;
  /** A command that somebody asked for. */
  run?: RunState;
}

interface Options {
  store: Store;
  effects: Effects & { listContainers(): Promise<FoundContainer[]> };
  reaper: Pick<Reaper, "reap">;
  removeRepository(app: string): Promise<void>;
  log: Log;
}

/** So long a round waits for what is to end. */
const PATIENCE_MS = 2000;

/**
 * Compares what is recorded with what runs, and takes the next step towards agreement. Run at
 * start and every few seconds; every step may be repeated, by several workers at once.
 */
export function createReconciler(options: Options): { reconcile(): Promise<void> } {
  const { store, effects, log } = options;
  const aside = createAside(log, PATIENCE_MS);

  /** @throws Error with what could not be done; all else was done nevertheless */
  async function reconcile(): Promise<void> {
    const apps = await store.listApps();
    const found = await effects.listContainers();
    const recorded = new Map<string, Instance>();
    const failures = createFailures();
    for (const app of apps) {
      const instances = await store.listInstances(app.name);
      instances.forEach((instance) => recorded.set(instance.id, instance));
      await failures.collect(app.name, () =>
        app.state === "destroying"
          ? aside(`end of ${app.name}`, () => finishDestroying(options, app, instances, found))
          : upholdApp(options, app, instances, found),
      );
    }
    await removeOrphans(found, recorded, new Set(apps.filter(isActive).map(({ id }) => id)));
    failures.end();
  }

  /** Invariant 13. A record always comes before its container, so one without a record is nobody's. */
  async function removeOrphans(
    found: FoundContainer[],
    recorded: Map<string, Instance>,
    apps: Set<string>,
  ) {
    const ends: Promise<void>[] = [];
    for (const container of found) {
      if (recorded.has(container.id)) continue;
      if (container.run && goesOn(container.run, container.running, apps)) continue;
      if (container.oneOffOf && (await isUnfinished(container.oneOffOf))) continue;
      // Recorded only after the list above was read?
      const now = await store.listInstances(container.app);
      if (now.some((instance) => instance.id === container.id)) continue;
      log.info({ container: container.id }, "removing a container that no record names");
      const ended = aside(container.id, () => end(effects, container.id));
      // It may fail while others are still looked at; it is heard below.
      ended.catch(() => {});
      ends.push(ended);
    }
    await Promise.all(ends);
  }

  async function isUnfinished(deployId: string): Promise<boolean> {
    const deploy = await store.getDeploy(deployId);
    return deploy?.state === "queued" || deploy?.state === "running";
  }

  return { reconcile };
}

/** One thing that fails, such as an instance whose image is gone, keeps nothing else from its turn. */
function createFailures() {
  const failed: string[] = [];
  return {
    async collect(what: string, work: () => Promise<void>): Promise<void> {
      await work().catch((error: unknown) => failed.push(`${what}: ${String(error)}`));
    },
    end(): void {
      if (failed.length > 0) throw new Error(failed.join("; "));
    },
  };
}

function isActive({ state }: App): boolean {
  return state === "active";
}

/** One that somebody is attached to goes on for as long as the process that they are attached by. */
function goesOn(run: RunState, running: boolean, apps: Set<string>): boolean {
  if (!apps.has(run.appId) || run.until < Date.now()) return false;
  if (run.by !== null) return isAlive(run.by);
  return running || run.fresh || run.kept;
}

/** Restarts what should run and does not; hands what is retired to the reaper. */
async function upholdApp(
  { store, effects, reaper, log }: Options,
  app: App,
  instances: Instance[],
  found: FoundContainer[],
): Promise<void> {
  if (instances.some(isRetired)) reaper.reap(app.name);
  const route = await store.getRoute(app.name);
  const { options } = await store.getSettings(app.name);
  const rests = route?.policy?.restsMs !== undefined;
  const stopped = route?.policy?.stopped === true;
  if (route && (rests || stopped !== (options.stopped === true))) await askForDeploy(store, app);
  // On its way down, down, or on its way up by a deploy of its own.
  if (options.stopped || stopped) return;
  const up = new Set(found.filter((c) => c.running).map((c) => c.id));
  const running = instances.filter(({ id }) => up.has(id));
  const missing = instances.filter(
    (one) => shouldRun(app, one) && isNeeded(app, route, one) && !up.has(one.id),
  );
  const failures = createFailures();
  for (const instance of missing) {
    if (rests && instance.process === "web") continue;
    if (await isKeptOut(store, instance, running)) continue;
    const release = await store.getRelease(app.name, instance.release);
    if (!release) continue;
    log.warn({ instance: instance.id }, "a live instance does not run; starting it");
    await failures.collect(instance.id, () => startAgain(store, effects, app, instance, release));
  }
  failures.end();
}

async function startAgain(
  store: Store,
  effects: Effects,
  app: App,
  instance: Instance,
  release: Release,
): Promise<void> {
  const made = await effects.createContainer(app, instance, release);
  // Whoever stops it after this look removes the container, which can then not be started.
  if (!(await isToRun(store, instance))) return;
  await effects.startContainer(app, instance, release, made);
  await effects.keepRunning(instance);
}

async function isToRun(store: Store, { id, app: name, process }: Instance): Promise<boolean> {
  if ((await restingTypes(store, name)).includes(process)) return false;
  const [app, route, all, { options }] = await Promise.all([
    store.getApp(name),
    store.getRoute(name),
    store.listInstances(name),
    store.getSettings(name),
  ]);
  const now = all.find((one) => one.id === id);
  const { stopped, restsMs } = route?.policy ?? {};
  if (!app || !now || options.stopped || stopped || restsMs !== undefined) return false;
  return isNeeded(app, route, now) && !isRetired(now);
}

/**
 * Requests are held, or the route does not say what the app's people want, and no deploy is there
 * to see to it: one that does nothing else. After one that failed, a minute later.
 */
async function askForDeploy(store: Store, { name: app }: App): Promise<void> {
  const deploys = await store.listDeploys(app, 50);
  const [newest] = deploys;
  if (deploys.some(({ finishedAt }) => finishedAt === undefined)) return;
  const asked = newest?.by === BY && newest.state !== "live" ? (newest.finishedAt ?? 0) : 0;
  if (Date.now() - asked < AGAIN_MS) return;
  await store.requestDeploy({ app, kind: "routing", by: BY, why: "what was left half done" });
}

const BY = "teal";
const AGAIN_MS = 60_000;

/** `web` of a deploy that is still under way is that deploy's. */
function shouldRun({ held }: App, { state, process, deploy }: Instance): boolean {
  return (
    state === "live" || (state === "healthy" && (process !== "web" || deploy === held?.deploy))
  );
}

/** Invariant 11: whatever was begun for the app, nothing of it stays. */
async function finishDestroying(
  { store, effects, removeRepository, log }: Options,
  app: App,
  instances: Instance[],
  found: FoundContainer[],
): Promise<void> {
  const ids = new Set(instances.map((i) => i.id));
  found.filter((c) => c.app === app.name).forEach((c) => ids.add(c.id));
  await Promise.all([...ids].map((id) => end(effects, id)));
  await effects.removeAppRemains(app.name, app.removeVolumes === true);
  await removeRepository(app.name);
  await store.forgetApp(app.name, app.id);
  log.info({ app: app.name }, "app destroyed");
}

async function end(effects: Effects, id: string): Promise<void> {
  await effects.stopContainer(id);
  await effects.removeContainer(id);
}
