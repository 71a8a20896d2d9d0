import { type Retained, retentionLimits, whyRetained } from "./retention.ts";
import type { Store } from "./store.ts";
import type { App, Deploy, Release } from "./types.ts";

type Sources = Pick<Store, "listDeploys" | "getDeploy" | "getSettings">;

/** Asked for together; of older releases each alone. */
const RECENT = 200;

/** The newest deploys of an app, and those of the releases. */
export async function deploysOf(
  { listDeploys, getDeploy }: Pick<Sources, "listDeploys" | "getDeploy">,
  app: string,
  releases: readonly Pick<Release, "deploy">[],
): Promise<Deploy[]> {
  const recent = await listDeploys(app, RECENT);
  const known = new Set(recent.map(({ id }) => id));
  const older = releases.filter(({ deploy }) => !known.has(deploy));
  const found = await Promise.all(older.map(({ deploy }) => getDeploy(deploy)));
  return [...recent, ...found.filter((one) => one !== null)];
}

/**
 * Whether the images of releases are kept, and why.
 * @param releases newest first, with all that are newer than those asked about
 */
export async function readRetained(
  app: App,
  releases: readonly Release[],
  store: Sources,
): Promise<Map<number, Retained>> {
  const [deploys, { options }] = await Promise.all([
    deploysOf(store, app.name, releases),
    store.getSettings(app.name),
  ]);
  const limits = retentionLimits(options.retention);
  return whyRetained({ app, releases: [...releases], deploys, limits, now: Date.now() });
}
