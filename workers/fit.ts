import { isDeepStrictEqual } from "node:util";
import { TealError } from "../apps/errors.ts";
import { describePolicy, policyOf } from "../apps/routing.ts";
import type { AppSettings, Slot } from "../apps/types.ts";
import type { Route } from "../router/contract.ts";
import { routersThere } from "./acknowledged.ts";
import { appOf, type DeployContext } from "./context.ts";
import { formationOf, isReady, type Plan, planProcess } from "./formation.ts";
import { startInstances } from "./idle-colour.ts";
import { wakeWhatRests } from "./stop.ts";

/**
 * Makes the live colour what the app is to be: so many instances of each process type, and its
 * hosts and policy. New instances are started and checked before the route names them; the route leaves old
 * ones before they are retired. Nothing happens when all is so already.
 * @returns whether the app is to be stopped
 * @throws nothing-live, check-failed (then nothing has changed)
 */
export async function fitLiveColour(ctx: DeployContext): Promise<boolean> {
  const { store, deploy } = ctx;
  const app = await appOf(ctx);
  const route = await store.getRoute(app.name);
  const release = app.live && (await store.getRelease(app.name, app.live.release));
  if (!app.live || !route || !release) {
    throw new TealError("nothing-live", { name: app.name, action: "change" });
  }
  const settings = await store.getSettings(app.name);
  const stopped = settings.options.stopped === true;
  if (route.policy?.stopped && !stopped) await wakeWhatRests(ctx);
  const plans = await planAll(ctx, app.live, route, formationOf(release, settings));

  const wanted = [...plans.values()].flatMap(({ keep, start }) => [
    ...keep.filter((instance) => !isReady(instance)),
    ...start,
  ]);
  if (wanted.length > 0) {
    ctx.say("step", `Starting ${wanted.length} more in ${app.live.colour}`);
    await startInstances(ctx, app, release, wanted);
  }
  const web = plans.get("web");
  const targets = web ? [...web.keep, ...web.start].map(({ id }) => id) : [];
  await updateRoute(ctx, route, targets, settings);

  const surplus = [...plans.values()].flatMap((plan) => plan.surplus).map(({ id }) => id);
  if (surplus.length > 0) {
    await store.retire(ctx.claim, surplus);
    ctx.say("info", `${surplus.length} instance(s) leave after their last request`);
  }
  if (deploy.kind === "scale") ctx.say("step", `Running ${describe(plans)}`);
  return stopped;
}

/** `web` stays with who started the live colour; every other process type is of the deploy in the route. */
async function planAll(
  ctx: DeployContext,
  live: Slot,
  route: Route,
  formation: Record<string, number>,
): Promise<Map<string, Plan>> {
  const { release, colour } = live;
  const plans = new Map<string, Plan>();
  for (const [process, count] of Object.entries(formation)) {
    const deploy = process === "web" ? live.deploy : route.deploy;
    plans.set(process, await planProcess(ctx, { deploy, release, colour }, process, count));
  }
  return plans;
}

async function updateRoute(
  ctx: DeployContext,
  route: Route,
  targets: string[],
  { domains, options }: AppSettings,
): Promise<void> {
  const hosts = [...ctx.hostsOf(route.app), ...domains];
  const policy = policyOf(options, hosts);
  const before = route.targets.map(({ id }) => id);
  const moved = !isDeepStrictEqual(hosts, route.hosts);
  const ruled = !isDeepStrictEqual(policy, route.policy);
  const same = isDeepStrictEqual(targets.toSorted(), before.toSorted()) && !moved && !ruled;
  if (targets.length === 0 || same) return;
  const { store, routers, claim } = ctx;
  const ids = await routersThere(store);
  const flipped = routers.awaitFlipped(route.app, route.version + 1, ids, FLIPPED_BOUND_MS);
  await store.updateRoute(claim, { targets, hosts, policy, expectedVersion: route.version });
  await ctx.reach("route-updated");
  await flipped;
  if (moved) ctx.say("step", `Answering at ${hosts.join(", ")}`);
  if (ruled) ctx.say("step", `Routing: ${describePolicy(policy)}`);
}

/** Not waited for longer; a router that is late takes the change when it hears of it. */
const FLIPPED_BOUND_MS = 2000;

function describe(plans: Map<string, Plan>): string {
  return [...plans]
    .map(([process, { keep, start }]) => `${process}=${keep.length + start.length}`)
    .join(" ");
}
