import { TealError } from "../apps/errors.ts";
import type { HeldColour } from "../apps/store.ts";
import type { Release } from "../apps/types.ts";
import { buildRelease } from "./build-release.ts";
import { type DeployContext, spent } from "./context.ts";
import { fitLiveColour } from "./fit.ts";
import { keepWhatRuns, retireLeftovers } from "./hand-over.ts";
import { holdColour } from "./hold.ts";
import { startIdleColour } from "./idle-colour.ts";
import { liveTraffic, putOnGuard } from "./on-guard.ts";
import { keepingRouting } from "./keep-routing.ts";
import { reuseRelease } from "./reuse-release.ts";
import { noteFirst, runPostdeploy } from "./scripts.ts";
import { clearStopped, restWhatRuns, startStopped } from "./stop.ts";
import { swap } from "./swap.ts";
import { endStrayRest, takeTurns } from "./turns.ts";
import { warmColour } from "./warm-colour.ts";

/**
 * A deploy, from top to bottom. Each line is a step that can be run again: after a crash another
 * executor starts at the top, and what is done already is found done.
 * @returns what is to be held instead of swapped to, or null when it is live
 * @throws TealError; the live colour is untouched unless the swap was reached.
 */
export async function runDeploy(ctx: DeployContext): Promise<HeldColour | null> {
  const began = ctx.now();
  await ctx.reach("lock-taken");
  await endStrayRest(ctx);
  await clearStopped(ctx);

  if (swaps(ctx) && !(await isLive(ctx))) {
    if (ctx.deploy.cancelRequested) {
      throw new TealError("deploy-cancelled", { id: ctx.deploy.id, why: "" });
    }
    const before = await liveTraffic(ctx);
    const release = await keepingRouting(ctx, () => makeRelease(ctx));
    const ready = (await warmColour(ctx, release)) ?? (await startIdleColour(ctx, release));
    if (ctx.deploy.hold) return holdColour(ctx, release, ready);

    await noteFirst(ctx);

    // ---- The point of no return. Above, every step can be undone and the live colour has not
    // ---- noticed; from here the deploy only goes forward, or is followed by a rollback.
    // ---- (What is handed over exclusively notices before: it stops, and runs again on a failure.)
    const colour = await takeTurns(ctx, release, ready);
    await swap(ctx, release, colour, before);
  }

  if (swaps(ctx)) await startStopped(ctx);
  await putOnGuard(ctx);
  const stopped = await fitLiveColour(ctx);
  if (stopped) await restWhatRuns(ctx);
  else await keepWhatRuns(ctx);
  await retireLeftovers(ctx);
  if (stopped) return null;
  await runPostdeploy(ctx);
  ctx.say("step", `Live at ${ctx.urlOf(ctx.deploy.app)} after ${spent(ctx.now() - began)}`);
  return null;
}

/** Has this deploy been swapped to, by this executor or one before it? */
export async function isLive({ store, deploy }: DeployContext): Promise<boolean> {
  const route = await store.getRoute(deploy.app);
  return route?.deploy === deploy.id;
}

/** How many instances there are, where they answer and how is changed in the live colour. */
function swaps({ deploy }: DeployContext): boolean {
  return !["scale", "domains", "routing"].includes(deploy.kind);
}

function makeRelease(ctx: DeployContext): Promise<Release> {
  return ctx.deploy.kind === "push" ? buildRelease(ctx) : reuseRelease(ctx);
}
