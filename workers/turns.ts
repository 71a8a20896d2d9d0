import type { App, Colour, Instance, Release } from "../apps/types.ts";
import { appOf, type DeployContext } from "./context.ts";
import { exclusiveTypes } from "./exclusive.ts";
import { formationOf, planProcess } from "./formation.ts";
import { isNeeded } from "./hand-over.ts";
import { startInstances } from "./idle-colour.ts";

/**
 * Stops what is handed over exclusively and starts the new release's in its place. When that or
 * the swap behind it fails, `giveBack` is to be called.
 */
export async function takeTurns(
  ctx: DeployContext,
  release: Release,
  colour: Colour,
): Promise<void> {
  const types = await exclusiveTypes(ctx, release);
  if (types.length === 0) return;
  await restOld(ctx, types);
  await startNew(ctx, release, colour, types);
}

/**
 * Of a deploy that ends without going live, whichever executor stopped the old instances: they run
 * again. Only one version runs, also on the way back.
 */
export async function giveBack(ctx: DeployContext): Promise<void> {
  const { resting } = await ctx.store.getSteps(ctx.deploy.id);
  const { types } = (resting as { types: string[] } | undefined) ?? { types: [] };
  if (types.length > 0) await wakeOld(ctx, types);
}

/** First on record, so that nobody starts them again while this deploy runs. */
async function restOld(ctx: DeployContext, types: string[]): Promise<void> {
  const { store, deploy, claim, effects, say, signal } = ctx;
  await store.recordStep(claim, deploy.id, "resting", { types });
  const old = (await store.listInstances(deploy.app)).filter(
    (one) => one.deploy !== deploy.id && types.includes(one.process),
  );
  if (old.length === 0) return;
  say("step", `Stopping ${old.map(nameOf).join(", ")} first: handed over exclusively`);
  const stopped = Promise.all(old.map(({ id }) => effects.stopContainer(id)));
  await Promise.race([stopped, aborted(signal)]);
}

async function startNew(
  ctx: DeployContext,
  release: Release,
  colour: Colour,
  types: string[],
): Promise<void> {
  const app = await appOf(ctx);
  const formation = formationOf(release, await ctx.store.getSettings(app.name));
  const owner = { deploy: ctx.deploy.id, release: release.n, colour };
  const plans = await Promise.all(
    types.map((type) => planProcess(ctx, owner, type, formation[type] ?? 0)),
  );
  const wanted = plans.flatMap(({ keep, start }) => [...keep, ...start]);
  if (wanted.length > 0) await startInstances(ctx, app, release, wanted);
}

async function wakeOld(ctx: DeployContext, types: string[]): Promise<void> {
  const { store, deploy, effects, say } = ctx;
  const app = await appOf(ctx);
  const route = await store.getRoute(app.name);
  const { options } = await store.getSettings(app.name);
  const all = (await store.listInstances(app.name)).filter(({ process }) =>
    types.includes(process),
  );
  const ours = all.filter((one) => one.deploy === deploy.id);
  await Promise.all(ours.map(({ id }) => effects.stopContainer(id)));
  const old = all.filter((one) => isNeeded(app, route, one));
  if (old.length === 0 || options.stopped) return;
  say("step", `Starting ${old.map(nameOf).join(", ")} of v${old[0]?.release} again`);
  await Promise.all(old.map((one) => startAgain(ctx, app, one)));
}

async function startAgain(
  { store, effects }: DeployContext,
  app: App,
  one: Instance,
): Promise<void> {
  const release = await store.getRelease(app.name, one.release);
  if (!release) return;
  await effects.createContainer(app, one, release);
  await effects.startContainer(app, one, release);
}

function nameOf({ process, index }: Instance): string {
  return `${process}.${index}`;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = () => reject(signal.reason as Error);
    if (signal.aborted) return fail();
    signal.addEventListener("abort", fail, { once: true });
  });
}
