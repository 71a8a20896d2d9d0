import { TealError } from "./errors.ts";
import type { WorkQueue } from "./queue.ts";
import type { Store } from "./store.ts";
import type { App, Deploy, Intent, Release } from "./types.ts";

export interface Deploys {
  /** A durable record first, then a job. @throws app-not-found, app-destroyed, store-unavailable */
  push(intent: Intent): Promise<Deploy>;
  /** Without `to`: the warm standby, else the good release before the live one. @throws nothing-to-roll-back, release-not-found */
  rollback(wish: { app: string; to?: number; by: string; why?: string }): Promise<Deploy>;
  /** @throws deploy-not-found, deploy-finished */
  cancel(id: string, by: string): Promise<Deploy>;
  /** Tombstones the app; a worker removes what runs. @throws app-not-found */
  destroy(app: string): Promise<void>;
}

interface Options {
  store: Store;
  queue: Pick<WorkQueue, "wake">;
  /** Told of "record-written" and "enqueued". */
  reach?: (step: string) => void;
}

export function createDeploys({ store, queue, reach = () => {} }: Options): Deploys {
  async function request(intent: Intent): Promise<Deploy> {
    const deploy = await store.requestDeploy(intent);
    reach("record-written");
    await queue.wake(intent.app);
    reach("enqueued");
    return deploy;
  }

  return {
    push: request,
    async rollback({ app: name, to, by, why }) {
      const app = await store.getApp(name);
      if (!app) throw new TealError("app-not-found", { name });
      const target = await rollbackTarget(store, app, to);
      return request({
        app: name,
        kind: "rollback",
        toRelease: target.n,
        commit: target.commit,
        by,
        why: why || `back to v${target.n}`,
      });
    },
    async cancel(id, by) {
      const deploy = await store.cancelDeploy(id, `by ${by}`);
      await queue.wake(deploy.app);
      return deploy;
    },
    async destroy(name) {
      await store.destroyApp(name);
      await queue.wake(name);
    },
  };
}

async function rollbackTarget(store: Store, app: App, to: number | undefined): Promise<Release> {
  if (to !== undefined) {
    const release = await store.getRelease(app.name, to);
    if (!release) throw new TealError("release-not-found", { name: app.name, release: `v${to}` });
    return release;
  }
  const previous = app.standby
    ? await store.getRelease(app.name, app.standby.release)
    : await goodReleaseBefore(store, app);
  if (!previous) throw new TealError("nothing-to-roll-back", { name: app.name });
  return previous;
}

/** The newest release older than the live one whose deploy went live. */
async function goodReleaseBefore(store: Store, app: App): Promise<Release | null> {
  const live = app.live;
  if (!live) return null;
  for (const release of await store.listReleases(app.name)) {
    if (release.n >= live.release) continue;
    const deploy = await store.getDeploy(release.deploy);
    if (deploy?.state === "live") return release;
  }
  return null;
}
