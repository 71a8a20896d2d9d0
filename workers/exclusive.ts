import { TealError } from "../apps/errors.ts";
import type { Store } from "../apps/store.ts";
import type { Instance, Release } from "../apps/types.ts";
import type { DeployContext } from "./context.ts";

/**
 * Process types that must not run in two versions at once: both the release that goes and the one
 * that comes have a say.
 */
export async function exclusiveTypes(
  { store, deploy }: Pick<DeployContext, "store" | "deploy">,
  release: Release,
): Promise<string[]> {
  const { live } = (await store.getApp(deploy.app)) ?? {};
  const before = live && (await store.getRelease(deploy.app, live.release));
  return [...new Set([release, before].flatMap(exclusiveIn))];
}

/** Those of which this release says so. */
function exclusiveIn(release: Release | null | undefined): string[] {
  if (!release) return [];
  const told = Object.entries(release.runtime ?? {});
  const types = told.filter(([, { handover }]) => handover === "exclusive").map(([type]) => type);
  const all = Object.keys(release.processes);
  for (const { exclusive, processes = all } of release.mounts ?? [])
    if (exclusive) types.push(...processes);
  return types.filter((type) => type !== "release");
}

/** Is it kept from running by another version of its process type that runs still? */
export async function isKeptOut(
  store: Pick<Store, "getRelease">,
  one: Instance,
  running: Instance[],
): Promise<boolean> {
  const others = running.filter(
    ({ process, deploy }) => process === one.process && deploy !== one.deploy,
  );
  for (const { app, release } of others.length > 0 ? [one, ...others] : []) {
    if (exclusiveIn(await store.getRelease(app, release)).includes(one.process)) return true;
  }
  return false;
}

/** What is held runs beside the live `web`. @throws hold-exclusive */
export async function assertMayBeHeld(ctx: DeployContext, release: Release): Promise<void> {
  const { app, hold } = ctx.deploy;
  if (hold && (await exclusiveTypes(ctx, release)).includes("web"))
    throw new TealError("hold-exclusive", { name: app });
}

/** Process types whose old instances this deploy has stopped, whichever executor it was. */
export async function restedTypes(
  store: Pick<Store, "getSteps">,
  deploy: string,
): Promise<string[]> {
  const { resting } = await store.getSteps(deploy);
  return (resting as { types: string[] } | undefined)?.types ?? [];
}

/** Process types whose old instances a deploy that runs now has stopped: nobody starts them meanwhile. */
export async function restingTypes(
  store: Pick<Store, "listDeploys" | "getSteps">,
  app: string,
): Promise<string[]> {
  const running = (await store.listDeploys(app, 50)).find(({ state }) => state === "running");
  return running ? restedTypes(store, running.id) : [];
}
