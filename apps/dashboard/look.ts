import { setTimeout as sleep } from "node:timers/promises";
import type { Identity } from "../access.ts";
import { TealError } from "../errors.ts";
import type { ServerEvent } from "../event-stream.ts";
import { APP_NAME, type App, type Deploy } from "../types.ts";
import { viewApp, viewInstances, viewReleases, type AppView } from "../views.ts";
import type { AppPage } from "./app-page.ts";
import type { DashboardOptions } from "./dashboard.ts";

/** How often an open page's stream looks whether something has changed, in ms. */
const LOOK_EVERY = 1000;
const SHOWN = 20;

/** What pages show, as far as somebody may see it. What may not be read does not exist. */
export interface Look {
  home(identity: Identity): Promise<{ apps: AppView[]; commits: Map<string, string> }>;
  /** @throws app-not-found */
  app(identity: Identity, name: string): Promise<AppPage>;
  /** @throws app-not-found, deploy-not-found */
  deploy(identity: Identity, app: string, id: string): Promise<Deploy>;
  /** A `state` event at once, and whenever `state` gives something else. */
  changes(state: () => Promise<string>, signal: AbortSignal): AsyncGenerator<ServerEvent>;
}

export function createLook({ store, access, settings }: DashboardOptions): Look {
  async function findApp(identity: Identity, name: string): Promise<App> {
    const readable = APP_NAME.test(name) && access.may(identity, "read", name);
    const app = readable ? await store.getApp(name) : null;
    if (!app) throw new TealError("app-not-found", { name });
    return app;
  }

  async function slotRelease(app: App, colour: "blue" | "green") {
    const slot = [app.live, app.held, app.standby].find((one) => one?.colour === colour);
    return slot ? store.getRelease(app.name, slot.release) : null;
  }

  return {
    async home(identity) {
      const seen = (await store.listApps()).filter((app) => access.may(identity, "read", app.name));
      seen.sort((a, b) => a.name.localeCompare(b.name));
      const commits = new Map<string, string>();
      const apps = await Promise.all(
        seen.map(async (app) => {
          const release = app.live && (await store.getRelease(app.name, app.live.release));
          if (release) commits.set(app.name, release.commit);
          return viewApp(app, store, settings);
        }),
      );
      return { apps, commits };
    },
    async app(identity, name) {
      const app = await findApp(identity, name);
      const [view, releases, deploys, instances, blue, green] = await Promise.all([
        viewApp(app, store, settings),
        store.listReleases(name).then((all) => viewReleases(app, all.slice(0, SHOWN), store)),
        store.listDeploys(name, SHOWN),
        store.listInstances(name).then((all) => viewInstances(app, all)),
        slotRelease(app, "blue"),
        slotRelease(app, "green"),
      ]);
      return { app: view, releases, deploys, instances, slots: { blue, green } };
    },
    async deploy(identity, name, id) {
      const app = await findApp(identity, name);
      const deploy = await store.getDeploy(id);
      if (deploy?.app !== app.name) throw new TealError("deploy-not-found", { id });
      return deploy;
    },
    async *changes(state, signal) {
      let last = "";
      while (!signal.aborted) {
        const now = await state();
        if (now !== last) yield { event: "state", data: now };
        last = now;
        await sleep(LOOK_EVERY, undefined, { signal }).catch(() => {});
      }
    },
  };
}
