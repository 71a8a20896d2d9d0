import { createHash } from "node:crypto";
import type { Release } from "../apps/types.ts";
import type { DeployContext } from "./context.ts";
import { nextConfig } from "./next-config.ts";
import type { Built, BuildWish } from "./ports.ts";

/** A build on record, with what it was made of. */
export type Recorded = Built & { commit?: string; key?: string };

/** More of an app's releases are not looked through. */
const LOOKED_AT = 20;

/** What the app's options say of this deploy's build. */
export async function wishOf(ctx: DeployContext): Promise<BuildWish> {
  const { store, deploy, say } = ctx;
  const { build = {} } = (await store.getSettings(deploy.app)).options;
  const config = build.env ? await nextConfig(ctx) : {};
  const missing = (build.env ?? []).filter((name) => !Object.hasOwn(config, name));
  if (missing.length > 0)
    say("warn", `The build may read ${missing.join(", ")}, and config has no such value`);
  const env = Object.entries(config).filter(([name]) => build.env?.includes(name));
  return { options: build, env: Object.fromEntries(env), fresh: deploy.fresh === true };
}

/** The same for what gives the same image. Sealed values are other ones whenever they are set again. */
export function keyOf(commit: string, { options, env }: BuildWish): string {
  const parts = [commit, options, Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1))];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}

/** An earlier build of the same commit in the same way, whose image is still here. */
export async function builtBefore(
  { store, effects, deploy }: DeployContext,
  commit: string,
  key: string,
): Promise<{ release: Release; built: Recorded } | null> {
  const releases = (await store.listReleases(deploy.app)).filter(
    (one) => one.kind === "push" && one.commit === commit,
  );
  for (const release of releases.slice(0, LOOKED_AT)) {
    const built = (await store.getSteps(release.deploy))["built"] as Recorded | undefined;
    if (built?.key === key && (await effects.imageExists(built.image))) return { release, built };
  }
  return null;
}
