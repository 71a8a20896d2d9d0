import { appUrl, idleUrl } from "./address.ts";
import { type Crash, describeCrash, isLooping } from "./crashes.ts";
import { type GoneImages, isGone } from "./gone-images.ts";
import type { Settings } from "./config.ts";
import { isIrreversible } from "./irreversible.ts";
import type { Store } from "./store.ts";
import type { App, Colour, Deploy, DeployState, Instance, Release } from "./types.ts";

/** What people are shown: the API and the dashboard say the same. */

export interface AppView {
  name: string;
  url: string;
  /** Where what is held answers, else the standby; null when neither is there. */
  idleUrl: string | null;
  state: App["state"];
  createdAt: number;
  createdBy: string;
  live: App["live"];
  standby: App["standby"];
  /** A healthy new version that waits to be promoted. */
  held: App["held"];
  /** New versions are held. */
  hold: boolean;
  /** Its people stopped it. */
  stopped: boolean;
  /** What was asked for; one of each process type that is not named. */
  formation: Record<string, number>;
  domains: string[];
  lastDeploy: Deploy | null;
}

/**
 * `live` answers requests; `warm` still runs and can be swapped back at once; `held` runs and waits
 * to be promoted; `kept` can be started again; `gone` cannot, for its image is no longer here;
 * `failed` never went live; `starting` is on its way.
 */
export type ReleaseStatus = "live" | "warm" | "held" | "kept" | "gone" | "failed" | "starting";

export interface ReleaseView extends Omit<Release, "config" | "irreversible"> {
  /** Names alone. */
  config: string[];
  status: ReleaseStatus;
  /** Of releases that run; null for those that do not. */
  colour: Colour | null;
  /** A rollback past it has to be forced. */
  irreversible: boolean;
}

/** The app with its newest deploy. */
export async function viewApp(
  app: App,
  store: Pick<Store, "listDeploys" | "getSettings">,
  settings: Pick<Settings, "domain" | "routerPort">,
): Promise<AppView> {
  const [lastDeploy] = await store.listDeploys(app.name, 1);
  const { hold, formation, domains, options } = await store.getSettings(app.name);
  return {
    name: app.name,
    url: appUrl(app.name, settings),
    idleUrl: app.held || app.standby ? idleUrl(app.name, settings) : null,
    state: app.state,
    createdAt: app.createdAt,
    createdBy: app.createdBy,
    live: app.live,
    standby: app.standby,
    held: app.held,
    hold,
    stopped: options.stopped === true,
    formation,
    domains,
    lastDeploy: lastDeploy ?? null,
  };
}

/** Releases as they are now; asks the store for the deploys of those that do not run. */
export async function viewReleases(
  app: App,
  releases: Release[],
  {
    store,
    goneImages,
  }: { store: Pick<Store, "getDeploy" | "getSettings">; goneImages: Pick<GoneImages, "of"> },
): Promise<ReleaseView[]> {
  const gone = await goneImages.of(app.name);
  const { options } = await store.getSettings(app.name);
  return Promise.all(
    releases.map(async ({ config, ...rest }) => {
      const irreversible = isIrreversible(options, rest);
      const release = { ...rest, irreversible, config: Object.keys(config ?? {}).toSorted() };
      const slot = [app.live, app.standby, app.held].find((s) => s?.release === release.n);
      if (slot) {
        const status = slot === app.live ? "live" : slot === app.held ? "held" : "warm";
        return { ...release, status, colour: slot.colour } as const;
      }
      const deploy = await store.getDeploy(release.deploy);
      const status = statusAfter(deploy?.state);
      const missing = status === "kept" && isGone(gone, release);
      return { ...release, status: missing ? "gone" : status, colour: null } as const;
    }),
  );
}

function statusAfter(deploy: DeployState | undefined): ReleaseStatus {
  if (deploy === "queued" || deploy === "running") return "starting";
  return deploy === "live" || deploy === "held" || deploy === undefined ? "kept" : "failed";
}

/**
 * Instances as they are now. `serves` tells a live one from a standby or one that is held; null is
 * one on its way in or out: `state` only ever moves forward, and stays `live` in a standby.
 */
export interface InstanceView extends Instance {
  serves: "live" | "standby" | "held" | null;
  /** The release that it answers as: after a rollback another one than it was started for. */
  as: number;
  /** How often it has crashed of late, what the last time was, and whether that is a crash loop. */
  crashes: number;
  lastCrash?: string;
  looping?: boolean;
  /** Its people stopped the app: it rests, whatever it serves. */
  rests?: boolean;
}

/** Of a colour that serves too, where its process type was scaled down. */
const LEAVING: readonly Instance["state"][] = ["retired", "stopped", "removed"];

export function viewInstances(
  app: App,
  instances: Instance[],
  { crashes = [], rests = false }: { crashes?: Crash[]; rests?: boolean } = {},
): InstanceView[] {
  const slots = { live: app.live, held: app.held, standby: app.standby };
  const role = ({ deploy, release, state }: Instance): Pick<InstanceView, "serves" | "as"> => {
    for (const serves of ["live", "held", "standby"] as const) {
      const slot = slots[serves];
      if (slot?.deploy !== deploy) continue;
      return { serves: LEAVING.includes(state) ? null : serves, as: slot.release };
    }
    return { serves: null, as: release };
  };
  return instances
    .toSorted((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }))
    .map((one) => ({
      ...{ ...one, ...role(one), ...crashesOf(one, crashes) },
      ...(rests && !LEAVING.includes(one.state) && { rests }),
    }));
}

function crashesOf({ id }: Instance, all: Crash[]) {
  const crashes = all.filter(({ instance }) => instance === id);
  const last = crashes.at(-1);
  if (!last) return { crashes: 0 };
  const looping = isLooping(crashes, id, Date.now());
  return { crashes: crashes.length, lastCrash: describeCrash(last), ...(looping && { looping }) };
}

/** One word for what an instance does: it serves, or how far it is in its life. */
export function statusOf({
  serves,
  state,
  looping,
  rests,
}: Pick<InstanceView, "serves" | "state" | "looping" | "rests">): string {
  if (rests) return "stopped";
  if (looping) return "crash loop";
  return serves ?? (state === "live" ? "leaving" : state);
}
