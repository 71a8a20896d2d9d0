import { TealError } from "../apps/errors.ts";
import type { Mount } from "../apps/mounts.ts";
import { mergeRuntime, type Runtime } from "../apps/runtime.ts";
import type { AppSettings, Release } from "../apps/types.ts";
import { originOf } from "./build-release.ts";
import { appOf, type DeployContext } from "./context.ts";
import { formationOf } from "./formation.ts";
import { nextConfig } from "./next-config.ts";
import { runGates } from "./scripts.ts";
import { whatIsNew } from "./what-is-new.ts";

/**
 * A release without a build: an image that is there already, with the config that the deploy is about.
 * @throws nothing-live, nothing-held, release-not-found, release-command-failed
 */
export async function reuseRelease(ctx: DeployContext): Promise<Release> {
  const { store, deploy, claim, say } = ctx;
  const settings = await store.getSettings(deploy.app);
  const { code, config, runtime, mounts } = await sources(ctx, settings);
  const release = await store.createRelease(claim, {
    deploy: deploy.id,
    kind: deploy.kind,
    commit: code.commit,
    ...(code.from !== undefined && { from: code.from }),
    image: code.image,
    imageBytes: code.imageBytes,
    ...(code.buildpacks && { buildpacks: code.buildpacks }),
    processes: code.processes,
    formation: formationOf(code, settings),
    ...(code.defaults && { defaults: code.defaults }),
    ...(code.check && { check: code.check }),
    ...(code.checks && { checks: code.checks }),
    ...(code.scripts && { scripts: code.scripts }),
    ...(runtime && { runtime }),
    ...(code.runtimeDefaults && { runtimeDefaults: code.runtimeDefaults }),
    ...(mounts && { mounts }),
    ...(code.cron && { cron: code.cron }),
    config,
    domains: settings.domains,
    port: code.port,
    by: deploy.by,
    why: deploy.why,
    ...(deploy.kind === "rollback" ? { rollbackOf: await rollbackOrigin(ctx) } : {}),
  });
  const title = TITLES[deploy.kind] ?? whatIsNew(release, code);
  say("step", `${title}, as release v${release.n}, ${originOf(code)}`);
  // What a release command has done to a database, an older version expects as well as before.
  if (deploy.kind === "config" || deploy.runRelease) await runGates(ctx, release);
  return release;
}

const TITLES: Partial<Record<Release["kind"], string>> = {
  rollback: "Rolling back",
  restart: "Restarting",
  promote: "Promoting",
};

/** What a release is made of. */
interface Sources {
  code: Release;
  config: Record<string, string>;
  runtime: Runtime | undefined;
  mounts: Mount[] | undefined;
}

/** Where code, config and storage of the release to be come from. */
async function sources(ctx: DeployContext, { options }: AppSettings): Promise<Sources> {
  const { deploy } = ctx;
  const { kind, part } = deploy;
  if (kind === "config") {
    const [code, config] = [await liveRelease(ctx), await nextConfig(ctx)];
    const { storage } = options;
    const runtime = mergeRuntime(code.runtimeDefaults, options.runtime);
    return { code, config, runtime, mounts: storage?.mounts };
  }
  if (kind === "promote") await assertHeld(ctx);
  const target = kind === "restart" ? await liveRelease(ctx) : await namedRelease(ctx);
  const code = part === "config" ? await liveRelease(ctx) : target;
  const configured = part === "code" ? await liveRelease(ctx) : target;
  const { config = {}, runtime, mounts } = configured;
  return { code, config, runtime, mounts };
}

async function assertHeld(ctx: DeployContext): Promise<void> {
  const { held, name } = await appOf(ctx);
  if (held?.release !== ctx.deploy.toRelease) throw new TealError("nothing-held", { name });
}

async function liveRelease(ctx: DeployContext): Promise<Release> {
  const { live, name } = await appOf(ctx);
  const release = live && (await ctx.store.getRelease(name, live.release));
  if (!release) throw new TealError("nothing-live", { name, action: ctx.deploy.kind });
  return release;
}

async function namedRelease({ store, deploy }: DeployContext): Promise<Release> {
  const n = deploy.toRelease ?? 0;
  const release = await store.getRelease(deploy.app, n);
  if (!release) throw new TealError("release-not-found", { name: deploy.app, release: `v${n}` });
  return release;
}

/** The release that a rollback goes back to, through earlier rollbacks. */
async function rollbackOrigin(ctx: DeployContext): Promise<number> {
  const target = await namedRelease(ctx);
  return target.rollbackOf ?? target.n;
}
