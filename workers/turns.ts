import { policyOf } from "../apps/routing.ts";
import type { App, Instance, Release } from "../apps/types.ts";
import type { Route } from "../router/contract.ts";
import { aborted } from "./aborted.ts";
import { routersThere, untilAcknowledged } from "./acknowledged.ts";
import { appOf, type DeployContext } from "./context.ts";
import { exclusiveTypes, restedTypes } from "./exclusive.ts";
import { formationOf, planProcess } from "./formation.ts";
import { isNeeded, isRetired } from "./hand-over.ts";
import { type ReadyColour, startInstances } from "./idle-colour.ts";
import { nameOf } from "./names.ts";
import { checkAgain, restInstances, wakeInstance } from "./resting.ts";

/** So long routers hold the requests of an app none of whose `web` runs. */
const REST_MS = 30_000;
const LOOK_MS = 25;
const FLIPPED_BOUND_MS = 2000;

/**
 * Stops what is handed over exclusively and starts the new release's in its place; the requests of
 * an app whose `web` is among that are held meanwhile. When that or the swap behind it fails,
 * `giveBack` is to be called.
 */
export async function takeTurns(
  ctx: DeployContext,
  release: Release,
  ready: ReadyColour,
): Promise<ReadyColour> {
  const types = await exclusiveTypes(ctx, release);
  if (types.length === 0) return ready;
  const app = await appOf(ctx);
  const formation = formationOf(release, await ctx.store.getSettings(app.name));
  const owner = { deploy: ctx.deploy.id, release: release.n, colour: ready.colour };
  const plans = await Promise.all(
    types.map((type) => planProcess(ctx, owner, type, formation[type] ?? 0)),
  );
  const wanted = plans.flatMap(({ keep, start }) => [...keep, ...start]);
  // All that can be done before the old ones stop.
  const prepared = await ctx.store.recordInstances(ctx.claim, wanted);
  await Promise.all(prepared.map((one) => ctx.effects.createContainer(app, one, release)));

  const restsSince = await restOld(ctx, types);
  if (wanted.length > 0) await startInstances(ctx, app, release, wanted);
  const web = wanted.filter(({ process }) => process === "web").map(({ id }) => id);
  if (web.length === 0) return ready;
  return { ...ready, targets: web, ...(restsSince !== null && { restsSince }) };
}

/**
 * Of a deploy that ends without going live, whichever executor stopped the old instances: they run
 * again. Only one version runs, also on the way back.
 */
export async function giveBack(ctx: DeployContext): Promise<void> {
  const types = await restedTypes(ctx.store, ctx.deploy.id);
  if (types.length > 0) await bringBack(ctx, types, true);
}

/** What a deploy that nobody takes up any more has left at rest runs again. */
export async function endStrayRest(ctx: DeployContext): Promise<void> {
  const { store, deploy } = ctx;
  const route = await store.getRoute(deploy.app);
  if (route?.policy?.restsMs === undefined) return;
  if ((await restedTypes(store, deploy.id)).includes("web")) return;
  const types = new Set(["web"]);
  for (const { id, finishedAt } of await store.listDeploys(deploy.app, 20)) {
    if (finishedAt) for (const type of await restedTypes(store, id)) types.add(type);
  }
  await bringBack(ctx, [...types], false);
}

/**
 * First on record, so that nobody starts them again while this deploy runs. `web` comes last: what
 * else has to stop may take its time. @returns when requests began to be held; null: they were not
 */
async function restOld(ctx: DeployContext, types: string[]): Promise<number | null> {
  const { store, deploy, claim, say, signal } = ctx;
  await store.recordStep(claim, deploy.id, "resting", { types });
  const old = (await store.listInstances(deploy.app)).filter(
    (one) => one.deploy !== deploy.id && types.includes(one.process),
  );
  const route = types.includes("web") ? await store.getRoute(deploy.app) : null;
  const web = route ? routedOf(route, old) : [];
  const others = old.filter((one) => !web.includes(one));
  if (old.length > 0)
    say("step", `Stopping ${old.map(nameOf).join(", ")} first: handed over exclusively`);
  await Promise.race([restInstances(ctx, others), aborted(signal)]);
  // Of a stopped app, whose routers answer for it, nothing is left to be stopped.
  if (!route || route.policy?.stopped) return null;
  signal.throwIfAborted();
  const since = ctx.now();
  const resting = route.policy?.restsMs === undefined ? await holdRequests(ctx, route) : route;
  const ids = web.map(({ id }) => id);
  await untilAcknowledged({ ...ctx, pause: () => ctx.pause(LOOK_MS) }, resting, ids);
  await ctx.reach("web-rests");
  await restInstances(ctx, web);
  return since;
}

function holdRequests(ctx: DeployContext, route: Route): Promise<Route> {
  return changePolicy(ctx, route, { ...route.policy, restsMs: REST_MS });
}

async function changePolicy(
  { store, routers, claim }: DeployContext,
  { app, hosts, targets, version: expectedVersion }: Route,
  policy: Route["policy"],
): Promise<Route> {
  const ids = await routersThere(store);
  const flipped = routers.awaitFlipped(app, expectedVersion + 1, ids, FLIPPED_BOUND_MS);
  const to = { targets: targets.map(({ id }) => id), hosts, policy, expectedVersion };
  const route = await store.updateRoute(claim, to);
  await flipped;
  return route;
}

/** @param ours it is on record that they rest for this very deploy, so it may stop them */
async function bringBack(ctx: DeployContext, types: string[], ours: boolean): Promise<void> {
  const { store, deploy, claim, say } = ctx;
  const app = await appOf(ctx);
  const route = await store.getRoute(app.name);
  const rests = route?.policy?.restsMs !== undefined;
  // Also of a deploy that was cancelled: what it stopped has to answer again.
  const patient = { ...ctx, signal: new AbortController().signal };
  const all = (await store.listInstances(app.name)).filter(({ process }) =>
    types.includes(process),
  );
  const old = all.filter((one) => isNeeded(app, route, one));
  const others = all.filter((one) => !old.includes(one));
  const begun = others.filter((one) => !isRetired(one)).map(({ id }) => id);
  if (begun.length > 0) await store.retire(claim, begun);
  // An executor that was replaced may yet stop the containers that they had.
  const had = ours ? old.filter(({ process }) => process !== "web") : [];
  await restInstances(ctx, [...others, ...had]);
  if (rests) {
    await untilAcknowledged(patient, route);
    await restInstances(ctx, routedOf(route, old));
  }

  const { options } = await store.getSettings(app.name);
  if (old.length > 0 && !options.stopped) {
    say("step", `Starting ${old.map(nameOf).join(", ")} of v${old[0]?.release} again`);
    await Promise.all(old.map((one) => wakeInstance(ctx, app, one)));
  }
  if (!rests) return;
  if (!options.stopped) await untilOldAnswers(patient, app, routedOf(route, old));
  await changePolicy(ctx, route, policyOf(options, route.hosts));
  say("step", `v${route.release} of ${deploy.app} answers again`);
}

/** Requests are let go in any case: what does not come up is looked after as after a crash. */
async function untilOldAnswers(ctx: DeployContext, app: App, web: Instance[]): Promise<void> {
  const checked = await Promise.allSettled(web.map((one) => checkAgain(ctx, app, one, ctx.signal)));
  for (const one of checked) if (one.status === "rejected") ctx.say("warn", String(one.reason));
}

function routedOf({ targets }: Route, instances: Instance[]): Instance[] {
  return instances.filter(({ id }) => targets.some((target) => target.id === id));
}
