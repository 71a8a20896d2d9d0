import { isTealError } from "../apps/errors.ts";
import type { Release } from "../apps/types.ts";
import { appOf, type DeployContext, spent } from "./context.ts";
import type { Command } from "./ports.ts";

/**
 * The gates: commands of the new image with the new config; nothing is swapped when one fails.
 * @throws release-command-failed, release-command-late, no-shell
 */
export async function runGates(ctx: DeployContext, release: Release): Promise<void> {
  await runStep(ctx, release, "predeploy", "predeploy", release.scripts?.predeploy);
  await runStep(ctx, release, "release-command", "release", release.processes["release"]);
}

/** Notes before an app's first swap that nothing was live before it. */
export async function noteFirst(ctx: DeployContext): Promise<void> {
  const { live } = await appOf(ctx);
  if (!live) await ctx.store.recordStep(ctx.claim, ctx.deploy.id, "first", true);
}

/**
 * What app.json wants to be run once a release is live. Whatever becomes of it, the release stays
 * live. Not after a rollback or a restart: nothing new was deployed.
 */
export async function runPostdeploy(ctx: DeployContext): Promise<void> {
  const { store, deploy } = ctx;
  if (!["push", "config", "promote"].includes(deploy.kind)) return;
  const { live, name } = await appOf(ctx);
  const release = live && (await store.getRelease(name, live.release));
  const { first, postdeploy } = release?.scripts ?? {};
  if (!release || (!first && !postdeploy)) return;
  const isFirst = (await store.getSteps(deploy.id))["first"] === true;
  if (isFirst) await runOrWarn(ctx, release, "postdeploy-first", first);
  await runOrWarn(ctx, release, "postdeploy", postdeploy);
}

/** A failure is in the log and on record, and is not tried again. */
async function runOrWarn(
  ctx: DeployContext,
  release: Release,
  step: string,
  command: string | undefined,
): Promise<void> {
  try {
    await runStep(ctx, release, step, "postdeploy", command);
  } catch (error) {
    if (!isTealError(error, "release-command-failed", "release-command-late", "no-shell"))
      throw error;
    ctx.say("warn", `${error.says} The new release is live all the same`);
    await ctx.store.recordStep(ctx.claim, ctx.deploy.id, step, { failed: error.says });
  }
}

/** Once per deploy, in a new container of the release's image. */
async function runStep(
  ctx: DeployContext,
  release: Release,
  step: string,
  called: Command["called"],
  command: string | undefined,
): Promise<void> {
  const { store, effects, deploy, claim, say, signal } = ctx;
  const { [step]: done } = await store.getSteps(deploy.id);
  if (!command || done) return;
  say("step", `Running the ${called} command: ${command}`);
  const app = await appOf(ctx);
  const began = ctx.now();
  await effects.runCommand(app, release, { command, called }, { say, signal });
  const ms = Math.round(ctx.now() - began);
  await store.recordStep(claim, deploy.id, step, { ms });
  say("info", `The ${called} command is done in ${spent(ms)}`);
}
