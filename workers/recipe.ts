import { TealError } from "../apps/errors.ts";
import type { Release } from "../apps/types.ts";
import { buildRelease } from "./build-release.ts";
import type { DeployContext } from "./context.ts";
import { spent } from "./context.ts";
import { keepWhatRuns, retireLeftovers, startRest } from "./hand-over.ts";
import { startIdleColour, warmStandby } from "./idle-colour.ts";
import { reuseRelease } from "./reuse-release.ts";
import { swap } from "./swap.ts";

/**
 * A deploy, from top to bottom. Each line is a step that can be run again: after a crash another
 * executor starts at the top, and what is done already is found done.
 * @throws TealError; the live colour is untouched unless the swap was reached.
 */
export async function runDeploy(ctx: DeployContext): Promise<void> {
  const began = ctx.now();
  await ctx.reach("lock-taken");

  if (!(await isLive(ctx))) {
    if (ctx.deploy.cancelRequested) {
      throw new TealError("deploy-cancelled", { id: ctx.deploy.id, why: "" });
    }
    const release = await makeRelease(ctx);
    const colour = (await warmStandby(ctx, release)) ?? (await startIdleColour(ctx, release));

    // ---- The point of no return. Above, every step can be undone and the live colour has not
    // ---- noticed; from here the deploy only goes forward, or is followed by a rollback.
    await swap(ctx, release, colour);
  }

  await startRest(ctx);
  await keepWhatRuns(ctx);
  await retireLeftovers(ctx);
  ctx.say("step", `Live at ${ctx.urlOf(ctx.deploy.app)} after ${spent(ctx.now() - began)}`);
}

/** Has this deploy been swapped to, by this executor or one before it? */
export async function isLive({ store, deploy }: DeployContext): Promise<boolean> {
  const route = await store.getRoute(deploy.app);
  return route?.deploy === deploy.id;
}

function makeRelease(ctx: DeployContext): Promise<Release> {
  return ctx.deploy.kind === "push" ? buildRelease(ctx) : reuseRelease(ctx);
}
