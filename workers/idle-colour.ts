import { TealError } from "../apps/errors.ts";
import type { NewInstance } from "../apps/store.ts";
import { type App, type Colour, type Instance, otherColour, type Release } from "../apps/types.ts";
import { type DeployContext, spent } from "./context.ts";
import { instanceId } from "./names.ts";
import { originOf } from "./reuse-release.ts";

/** A colour that is ready to be made live. */
export interface ReadyColour {
  colour: Colour;
  /** The deploy that started its instances. */
  startedBy: string;
  /** Instance ids of `web`. */
  targets: string[];
  warm: boolean;
}

export async function appOf({ store, deploy }: DeployContext): Promise<App> {
  const app = await store.getApp(deploy.app);
  if (!app) throw new TealError("app-not-found", { name: deploy.app });
  return app;
}

/** The standby, when it runs what `release` wants and still answers; null otherwise. */
export async function warmStandby(
  ctx: DeployContext,
  release: Release,
): Promise<ReadyColour | null> {
  const { store, effects, deploy, say } = ctx;
  const { standby } = await appOf(ctx);
  if (deploy.kind !== "rollback" || !standby) return null;
  const standsFor = await store.getRelease(deploy.app, standby.release);
  if (!standsFor || originOf(standsFor) !== originOf(release)) return null;

  const web = (await store.listInstances(deploy.app)).filter(
    (instance) => instance.deploy === standby.deploy && instance.process === "web",
  );
  const warm = await Promise.all(
    web.map(async (instance) => instance.state === "live" && (await effects.answers(instance))),
  );
  if (web.length === 0 || warm.includes(false)) {
    say("info", `The standby (${standby.colour}) no longer answers; starting from the kept image`);
    return null;
  }
  say("info", `${standby.colour} is warm: swapping back`);
  const targets = web.map((instance) => instance.id);
  return { colour: standby.colour, startedBy: standby.deploy, targets, warm: true };
}

/** Starts every process of the release in the idle colour and waits until each is healthy. @throws check-failed, image-gone */
export async function startIdleColour(ctx: DeployContext, release: Release): Promise<ReadyColour> {
  const app = await appOf(ctx);
  if (!(await ctx.effects.imageExists(release.image))) {
    const gone = `v${originOf(release)}`;
    throw new TealError("image-gone", { name: app.name, release: gone });
  }
  const colour = app.live ? otherColour(app.live.colour) : "blue";
  ctx.say("step", `Starting v${release.n} in ${colour}`);
  const wanted = planInstances(ctx, release, colour, () => true);
  const instances = await startInstances(ctx, app, release, wanted);
  const targets = instances.filter((i) => i.process === "web").map((i) => i.id);
  return { colour, startedBy: ctx.deploy.id, targets, warm: false };
}

/** The release's formation as instances of this deploy, for the process types that `choose` takes. */
export function planInstances(
  ctx: DeployContext,
  release: Release,
  colour: Colour,
  choose: (process: string) => boolean,
): NewInstance[] {
  const { deploy, namespace } = ctx;
  return Object.entries(release.formation)
    .filter(([process]) => choose(process))
    .flatMap(([process, count]) =>
      Array.from({ length: count }, (_, at) => ({
        id: instanceId(namespace, deploy.id, process, at + 1),
        deploy: deploy.id,
        release: release.n,
        colour,
        process,
        index: at + 1,
      })),
    );
}

/** Records, creates, starts and checks; returns when all are healthy. @throws check-failed, no-engine, fenced */
export async function startInstances(
  ctx: DeployContext,
  app: App,
  release: Release,
  wanted: NewInstance[],
): Promise<Instance[]> {
  const instances = await ctx.store.recordInstances(ctx.claim, wanted);
  const began = ctx.now();
  await Promise.all(instances.map((instance) => startOne(ctx, app, release, instance)));
  const ms = Math.round(ctx.now() - began);
  await ctx.store.recordStep(ctx.claim, ctx.deploy.id, "started", { ms });
  return instances;
}

async function startOne(
  ctx: DeployContext,
  app: App,
  release: Release,
  instance: Instance,
): Promise<void> {
  const { store, effects, claim, say, signal } = ctx;
  const name = `${instance.process}.${instance.index}`;
  const began = ctx.now();
  await effects.createContainer(app, instance, release);
  await ctx.reach("container-created");
  const address = await effects.startContainer(app, instance, release);
  await store.advanceInstance(claim, instance.id, "started", address);
  await ctx.reach("container-started");
  signal.throwIfAborted();
  say("info", `${name} started in ${spent(ctx.now() - began)}`);

  const started = { ...instance, state: "started" as const, ...address };
  const checking = ctx.now();
  await effects.check(app, started, release, { say, signal });
  await store.advanceInstance(claim, instance.id, "healthy");
  await ctx.reach("healthy");
  say("info", `${name} is healthy after ${spent(ctx.now() - checking)}`);
}
