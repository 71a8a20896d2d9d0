import { type Part, sameContent } from "./content.ts";
import { TealError } from "./errors.ts";
import { isIrreversible } from "./irreversible.ts";
import type { WorkQueue } from "./queue.ts";
import type { Store } from "./store.ts";
import type { App, Deploy, Intent, Release } from "./types.ts";

export interface Deploys {
  /** A durable record first, then a job. Held when the app holds its new versions. @throws app-not-found, app-destroyed, store-unavailable */
  push(intent: Intent): Promise<Deploy>;
  /**
   * Without `to`: the warm standby, else the good release before the live one; in either case one
   * that differs from it. @throws nothing-to-roll-back, release-not-found, irreversible
   */
  rollback(wish: {
    app: string;
    to?: number;
    part?: Part;
    /** Past a release that is marked as irreversible too. */
    force?: boolean;
    /** The release command runs once more; it does not otherwise. */
    runRelease?: boolean;
    by: string;
    why?: string;
  }): Promise<Deploy>;
  /** Brings a change of the app's settings to what is live; null when nothing is, nor on its way. */
  change(
    intent: Intent & { kind: "config" | "scale" | "domains" | "routing" },
  ): Promise<Deploy | null>;
  /** @throws nothing-live */
  restart(wish: { app: string; by: string }): Promise<Deploy>;
  /** Stops all that runs of the app, or starts it again. @throws nothing-live */
  stop(wish: { app: string; by: string; stopped: boolean }): Promise<Deploy>;
  /** Makes live what is held. @throws nothing-held */
  promote(wish: { app: string; by: string; why?: string }): Promise<Deploy>;
  /** Throws away what is held. @throws nothing-held */
  abort(app: string): Promise<void>;
  /** @throws deploy-not-found, deploy-finished */
  cancel(id: string, by: string): Promise<Deploy>;
  /** Tombstones the app; a worker removes what runs. @throws app-not-found */
  destroy(app: string, volumes?: boolean): Promise<void>;
}

interface Options {
  store: Store;
  queue: Pick<WorkQueue, "wake">;
  /** Told of "record-written" and "enqueued". */
  reach?: (step: string) => void;
}

/** What people ask for: a record first, then a job. */
export function createDeploys({ store, queue, reach = () => {} }: Options): Deploys {
  /** The reason is a person's text, and becomes one line that commands no terminal. */
  async function request(intent: Intent): Promise<Deploy> {
    const why = intent.why.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ").trim();
    const deploy = await store.requestDeploy({ ...intent, why });
    reach("record-written");
    await queue.wake(intent.app);
    reach("enqueued");
    return deploy;
  }

  async function appOf(name: string): Promise<App> {
    const app = await store.getApp(name);
    if (!app) throw new TealError("app-not-found", { name });
    return app;
  }

  return {
    async push(intent) {
      if (intent.promoteAfter !== undefined) return request({ ...intent, hold: true });
      const { hold: always, options } = await store.getSettings(intent.app);
      const hold = intent.hold ?? always;
      const { promoteAfter: seconds } = options;
      const ends = always && hold && seconds !== undefined && { promoteAfter: seconds * 1000 };
      return request(hold ? { ...intent, hold, ...ends } : intent);
    },
    async rollback({ app: name, to, part, force, runRelease, by, why }) {
      const app = await appOf(name);
      const target = await rollbackTarget(store, app, to, part);
      if (!force && part !== "config") await assertReversible(store, app, target);
      return request({
        app: name,
        kind: "rollback",
        toRelease: target.n,
        commit: target.commit,
        ...(part && { part }),
        ...(runRelease && { runRelease }),
        by,
        why: why || `back to v${target.n}`,
      });
    },
    async change(intent) {
      const [newest] = await store.listDeploys(intent.app, 1);
      // A first push on its way may have read the settings before they changed.
      const awaited = newest?.state === "queued" || newest?.state === "running";
      return (await appOf(intent.app)).live || awaited ? request(intent) : null;
    },
    async restart({ app: name, by }) {
      const { live } = await appOf(name);
      if (!live) throw new TealError("nothing-live", { name, action: "restart" });
      return request({ app: name, kind: "restart", by, why: "restart" });
    },
    async stop({ app: name, by, stopped }) {
      const [action, change] = stopped ? (["stop", true] as const) : (["start", null] as const);
      const { live } = await appOf(name);
      if (!live) throw new TealError("nothing-live", { name, action });
      await store.changeSettings(name, { options: { stopped: change } });
      return request({ app: name, kind: "routing", stopped, by, why: action });
    },
    async promote({ app: name, by, why }) {
      const { held } = await appOf(name);
      const release = held && (await store.getRelease(name, held.release));
      if (!release) throw new TealError("nothing-held", { name });
      const { n: toRelease, commit } = release;
      return request({
        app: name,
        kind: "promote",
        toRelease,
        commit,
        by,
        why: why || `v${toRelease}`,
      });
    },
    async abort(name) {
      await store.dropHeld(name);
      await queue.wake(name);
    },
    async cancel(id, by) {
      const deploy = await store.cancelDeploy(id, `by ${by}`);
      // Who cancels a stop wants the app to run on.
      const { app, stopped } = deploy;
      if (stopped !== undefined)
        await store.changeSettings(app, { options: { stopped: stopped ? null : true } });
      await queue.wake(deploy.app);
      return deploy;
    },
    async destroy(name, volumes = false) {
      await store.destroyApp(name, volumes);
      await queue.wake(name);
    },
  };
}

async function rollbackTarget(
  store: Store,
  app: App,
  to: number | undefined,
  part: Part | undefined,
): Promise<Release> {
  const { name } = app;
  if (to !== undefined) {
    const release = await store.getRelease(name, to);
    if (!release) throw new TealError("release-not-found", { name, release: `v${to}` });
    return release;
  }
  const live = app.live && (await store.getRelease(name, app.live.release));
  const differs = (release: Release) => !live || !sameContent(release, live, part);
  const warm = app.standby && (await store.getRelease(name, app.standby.release));
  if (warm && differs(warm)) return warm;
  const before = live && (await goodReleaseBefore(store, live, differs));
  if (!before) throw new TealError("nothing-to-roll-back", { name });
  return before;
}

/** @throws irreversible when a release between the live one and what it would bring back is marked so */
async function assertReversible(store: Store, app: App, target: Release): Promise<void> {
  const { options } = await store.getSettings(app.name);
  const live = app.live && (await store.getRelease(app.name, app.live.release));
  const from = live?.rollbackOf ?? live?.n ?? 0;
  const back = target.rollbackOf ?? target.n;
  const mark = (await store.listReleases(app.name)).findLast(
    (one) => back < one.n && one.n <= from && isIrreversible(options, one),
  );
  if (!mark) return;
  const params = { name: app.name, mark: `v${mark.n}`, release: `v${back}` };
  throw new TealError("irreversible", params);
}

/** The newest release older than the live one whose deploy went live, and that differs. */
async function goodReleaseBefore(
  store: Store,
  live: Release,
  differs: (release: Release) => boolean,
): Promise<Release | null> {
  for (const release of await store.listReleases(live.app)) {
    if (release.n >= live.n || !differs(release)) continue;
    const deploy = await store.getDeploy(release.deploy);
    if (deploy?.state === "live") return release;
  }
  return null;
}
