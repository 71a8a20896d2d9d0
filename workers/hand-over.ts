import type { App, Instance } from "../apps/types.ts";
import { INSTANCE_LIFE } from "../apps/types.ts";
import type { Route } from "../router/contract.ts";
import type { DeployContext } from "./context.ts";
import { appOf, planInstances, startInstances } from "./idle-colour.ts";

/**
 * After a swap back to a warm standby, whose other process types were stopped when it stopped
 * being live: starts them again. After any other swap they run already and nothing happens.
 */
export async function startRest(ctx: DeployContext): Promise<void> {
  const app = await appOf(ctx);
  if (!app.live || app.live.deploy === ctx.deploy.id) return;
  const release = await ctx.store.getRelease(app.name, app.live.release);
  if (!release) return;
  const wanted = planInstances(ctx, release, app.live.colour, (process) => process !== "web");
  if (wanted.length > 0) await startInstances(ctx, app, release, wanted);
}

/** From now on the engine restarts what dies, and nothing prunes the image of the live release. */
export async function keepWhatRuns({ store, effects, deploy }: DeployContext): Promise<void> {
  const app = await store.getApp(deploy.app);
  if (!app?.live) return;
  const release = await store.getRelease(app.name, app.live.release);
  if (release) await effects.tagImage(app.name, deploy.id, release.image);
  const ours = [app.live.deploy, deploy.id];
  const instances = await store.listInstances(app.name);
  const running = instances.filter((one) => ours.includes(one.deploy) && !isRetired(one));
  await Promise.all(running.map((instance) => effects.keepRunning(instance)));
}

/**
 * Records the retirement of every instance that neither the live colour nor the standby needs:
 * the standby before this one, the old release's other process types, what failed deploys left.
 * The reaper stops them once no router sends them anything.
 */
export async function retireLeftovers(ctx: DeployContext): Promise<void> {
  const app = await appOf(ctx);
  const route = await ctx.store.getRoute(app.name);
  const leftovers = (await ctx.store.listInstances(app.name)).filter(
    (instance) => !isNeeded(app, route, instance) && !isRetired(instance),
  );
  if (leftovers.length === 0) return;
  await ctx.store.retire(
    ctx.claim,
    leftovers.map((instance) => instance.id),
  );
  await ctx.reach("retired");
}

/** `web` stays with its colour, live or standby; every other process type only with the live release. */
export function isNeeded(app: App, route: Route | null, instance: Instance): boolean {
  if (instance.process !== "web") return instance.deploy === route?.deploy;
  return instance.deploy === app.live?.deploy || instance.deploy === app.standby?.deploy;
}

export function isRetired(instance: Instance): boolean {
  return INSTANCE_LIFE.indexOf(instance.state) >= INSTANCE_LIFE.indexOf("retired");
}
