import { TealError } from "../apps/errors.ts";
import type { Release } from "../apps/types.ts";
import { type DeployContext, spent } from "./context.ts";
import { withExpectedEnv } from "./expected-env.ts";
import { formationOf } from "./formation.ts";
import { nextConfig } from "./next-config.ts";
import type { Built } from "./ports.ts";

/** Source in, release out: checkout, build, tag, record, release command. @throws build-failed, release-command-failed */
export async function buildRelease(ctx: DeployContext): Promise<Release> {
  const { store, effects, deploy, claim } = ctx;
  const steps = await store.getSteps(deploy.id);
  const built = (steps["built"] as (Built & Fetched) | undefined) ?? (await build(ctx));
  await effects.tagImage(deploy.app, deploy.id, built.image);
  await ctx.reach("image-tagged");

  const { formation: defaults = {}, env = {}, check } = built.appJson ?? {};
  const release = await store.createRelease(claim, {
    deploy: deploy.id,
    kind: deploy.kind,
    commit: built.commit ?? deploy.commit ?? "",
    image: built.image,
    imageBytes: built.imageBytes,
    processes: built.processes,
    formation: formationOf({ ...built, defaults }, await store.getSettings(deploy.app)),
    defaults,
    ...(check && { check }),
    config: withExpectedEnv(ctx, await nextConfig(ctx), env),
    port: built.port,
    by: deploy.by,
    why: deploy.why,
  });
  ctx.say("info", `Release v${release.n}, commit ${release.commit.slice(0, 7)}`);
  await runReleaseCommand(ctx, release);
  return release;
}

/** A webhook may name a branch or a tag; from the first fetch on it is about this commit. */
interface Fetched {
  commit?: string;
}

async function build(ctx: DeployContext): Promise<Built & Fetched> {
  const { store, effects, claim, say, signal } = ctx;
  const began = ctx.now();
  const commit = await effects.fetchSource(ctx.deploy, { say, signal });
  const deploy = { ...ctx.deploy, commit };
  say("step", `Building ${deploy.app} from commit ${commit.slice(0, 7)}`);
  const source = await effects.checkout(deploy, { say, signal });
  try {
    await ctx.reach("context-unpacked");
    const built = await effects.build(deploy, source.dir, { say, signal });
    await ctx.reach("image-built");
    const ms = ctx.now() - began;
    await store.recordStep(claim, deploy.id, "built", { ...built, commit, ms: Math.round(ms) });
    say("info", `Built in ${spent(ms)}`);
    return { ...built, commit };
  } finally {
    await source.done();
  }
}

/** The gate: a command of the new image with the new config; nothing is swapped when it fails. */
export async function runReleaseCommand(ctx: DeployContext, release: Release): Promise<void> {
  const { store, effects, deploy, claim, say, signal } = ctx;
  const command = release.processes["release"];
  const { "release-command": done } = await store.getSteps(deploy.id);
  if (!command || done) return;
  say("step", `Running the release command: ${command}`);
  const app = await store.getApp(deploy.app);
  if (!app) throw new TealError("app-not-found", { name: deploy.app });
  const began = ctx.now();
  await effects.runReleaseCommand(app, release, command, { say, signal });
  const ms = Math.round(ctx.now() - began);
  await store.recordStep(claim, deploy.id, "release-command", { ms });
  say("info", `Release command done in ${spent(ms)}`);
}
