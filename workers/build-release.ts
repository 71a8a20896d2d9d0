import { mergeRuntime } from "../apps/runtime.ts";
import type { Release } from "../apps/types.ts";
import type { AppJson } from "./app-json.ts";
import { type DeployContext, spent } from "./context.ts";
import { assertMayBeHeld } from "./exclusive.ts";
import { withExpectedEnv } from "./expected-env.ts";
import { formationOf } from "./formation.ts";
import { nextConfig } from "./next-config.ts";
import { runGates } from "./scripts.ts";
import { builtBefore, keyOf, wishOf, type Recorded } from "./build-wish.ts";

/** Source in, release out: checkout, build, tag, record, release command. @throws build-failed, release-command-failed */
export async function buildRelease(ctx: DeployContext): Promise<Release> {
  const { store, effects, deploy, claim } = ctx;
  const steps = await store.getSteps(deploy.id);
  const built = (steps["built"] as Recorded | undefined) ?? (await build(ctx));
  await effects.tagImage(deploy.app, deploy.id, built.image);
  await ctx.reach("image-tagged");

  const appJson: Partial<AppJson> = built.appJson ?? {};
  const { formation: defaults = {}, env = {}, checks, cron = [], scripts } = appJson;
  const irreversible = deploy.irreversible === true || built.appJson?.irreversible === true;
  const settings = await store.getSettings(deploy.app);
  const { storage } = settings.options;
  const runtime = mergeRuntime(appJson.runtime, settings.options.runtime);
  const release = await store.createRelease(claim, {
    deploy: deploy.id,
    kind: deploy.kind,
    commit: built.commit ?? deploy.commit ?? "",
    ...(built.from !== undefined && { from: built.from }),
    image: built.image,
    imageBytes: built.imageBytes,
    ...(built.buildpacks && { buildpacks: built.buildpacks }),
    processes: built.processes,
    formation: formationOf({ ...built, defaults }, settings),
    defaults,
    ...(checks && { checks }),
    ...(scripts && { scripts }),
    ...(runtime && { runtime }),
    ...(appJson.runtime && { runtimeDefaults: appJson.runtime }),
    ...(storage && { mounts: storage.mounts }),
    ...(cron.length > 0 && { cron }),
    config: withExpectedEnv(ctx, await nextConfig(ctx), env),
    port: built.port,
    domains: settings.domains,
    ...(irreversible && { irreversible }),
    by: deploy.by,
    why: deploy.why,
  });
  const mark = irreversible ? ", irreversible: a rollback past it has to be forced" : "";
  ctx.say("info", `Release v${release.n}, ${originOf(release)}${mark}`);
  await assertMayBeHeld(ctx, release);
  await runGates(ctx, release);
  return release;
}

/** A webhook may name a branch or a tag; from the first fetch on it is about this commit. */
async function build(ctx: DeployContext): Promise<Recorded> {
  const { store, effects, claim, say, signal } = ctx;
  if (ctx.deploy.image) return takeImage(ctx);
  const began = ctx.now();
  const commit = await effects.fetchSource(ctx.deploy, { say, signal });
  const deploy = { ...ctx.deploy, commit };
  const wish = await wishOf(ctx);
  const key = keyOf(commit, wish);
  const before = wish.fresh ? null : await builtBefore(ctx, commit, key);
  if (before) {
    say("step", `Commit ${commit.slice(0, 7)} is built already: the image of v${before.release.n}`);
    await store.recordStep(claim, deploy.id, "built", before.built);
    return before.built;
  }
  say("step", `Building ${deploy.app} from commit ${commit.slice(0, 7)}`);
  const source = await effects.checkout(deploy, wish, { say, signal });
  try {
    await ctx.reach("context-unpacked");
    const built = await effects.build(deploy, source.dir, wish, { say, signal });
    await ctx.reach("image-built");
    const ms = Math.round(ctx.now() - began);
    await store.recordStep(claim, deploy.id, "built", { ...built, commit, key, ms });
    say("info", `Built in ${spent(ms)}`);
    return { ...built, commit };
  } finally {
    await source.done();
  }
}

async function takeImage({ store, effects, deploy, claim, say, signal, now }: DeployContext) {
  const began = now();
  const built = await effects.takeImage(deploy, { say, signal });
  const ms = Math.round(now() - began);
  await store.recordStep(claim, deploy.id, "built", { ...built, ms });
  return built;
}

/** What a release is of, in a few characters. */
export function originOf({
  commit,
  from,
  image,
}: Pick<Release, "commit" | "from" | "image">): string {
  return commit ? `commit ${commit.slice(0, 7)}` : `image ${from ?? image.slice(7, 19)}`;
}
