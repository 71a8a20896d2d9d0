import type { App, Instance } from "../apps/types.ts";
import { INSTANCE_LIFE } from "../apps/types.ts";
import type { Route } from "../router/contract.ts";
import { appOf, type DeployContext } from "./context.ts";
import { restedTypes } from "./exclusive.ts";

/** From now on the engine restarts what dies, and nothing prunes the image of the live release. */
export async function keepWhatRuns(ctx: DeployContext): Promise<void> {
  const { store, effects } = ctx;
  const app = await appOf(ctx);
  const route = await store.getRoute(app.name);
  const release = app.live && (await store.getRelease(app.name, app.live.release));
  if (!app.live || !release) return;
  await effects.tagImage(app.name, release.deploy, release.image);
  const ours = [app.live.deploy, route?.deploy];
  const instances = await store.listInstances(app.name);
  const running = instances.filter((one) => ours.includes(one.deploy) && !isRetired(one));
  await Promise.all(running.map((instance) => effects.keepRunning(instance)));
}

/**
 * Records the retirement of every instance that neither live, standby nor held colour needs:
 * the standby before this one, the old release's other process types, what failed deploys left.
 * The reaper stops them once no router sends them anything.
 */
export async function retireLeftovers(ctx: DeployContext): Promise<void> {
  const app = await appOf(ctx);
  const route = await ctx.store.getRoute(app.name);
  // Handed over exclusively, what was live is no standby: it does not run.
  const rested = await restedTypes(ctx.store, ctx.deploy.id);
  const noStandby = rested.includes("web") && route?.deploy === ctx.deploy.id;
  const routed = new Set(route?.targets.map(({ id }) => id));
  const leftovers = (await ctx.store.listInstances(app.name)).filter(
    (one) =>
      !isRetired(one) &&
      (!isNeeded(app, route, one) || (noStandby && one.process === "web" && !routed.has(one.id))),
  );
  if (leftovers.length === 0) return;
  await ctx.store.retire(
    ctx.claim,
    leftovers.map((instance) => instance.id),
  );
  await ctx.reach("retired");
}

/**
 * `web` while it is routed to, standby or held; every other process type only with the live release.
 * What was being started beside them when its deploy failed is nobody's.
 */
export function isNeeded(app: App, route: Route | null, instance: Instance): boolean {
  const { id, process, deploy, state } = instance;
  if (process !== "web") return deploy === route?.deploy && state === "healthy";
  if (route?.targets.some((target) => target.id === id)) return true;
  if (deploy === app.standby?.deploy) return state === "live";
  return deploy === app.held?.deploy && state === "healthy";
}

/** Nothing retired is ever live again. */
export function isRetired(instance: Instance): boolean {
  return INSTANCE_LIFE.indexOf(instance.state) >= INSTANCE_LIFE.indexOf("retired");
}
