import type { Store } from "../apps/store.ts";
import type { Release } from "../apps/types.ts";
import type { DeployContext } from "./context.ts";

/**
 * Process types that must not run in two versions at once: both the release that goes and the one
 * that comes have a say.
 */
export async function exclusiveTypes(
  { store, deploy }: DeployContext,
  release: Release,
): Promise<string[]> {
  const { live } = (await store.getApp(deploy.app)) ?? {};
  const before = live && (await store.getRelease(deploy.app, live.release));
  const told = [release, before].flatMap((one) => Object.entries(one?.runtime ?? {}));
  const types = told.filter(([, { handover }]) => handover === "exclusive").map(([type]) => type);
  const mounts = [release, before].flatMap((one) => one?.mounts ?? []);
  for (const { exclusive, processes = [] } of mounts) if (exclusive) types.push(...processes);
  return [...new Set(types)].filter((type) => type !== "web" && type !== "release");
}

/** Process types whose old instances a deploy that runs now has stopped: nobody starts them meanwhile. */
export async function restingTypes(
  store: Pick<Store, "listDeploys" | "getSteps">,
  app: string,
): Promise<string[]> {
  const running = (await store.listDeploys(app, 50)).find(({ state }) => state === "running");
  if (!running) return [];
  const { resting } = await store.getSteps(running.id);
  return (resting as { types: string[] } | undefined)?.types ?? [];
}
