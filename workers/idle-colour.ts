import { TealError } from "../apps/errors.ts";
import type { NewInstance } from "../apps/store.ts";
import { type App, type Colour, type Instance, otherColour, type Release } from "../apps/types.ts";
import { appOf, type DeployContext, spent } from "./context.ts";
import { exclusiveTypes } from "./exclusive.ts";
import { formationOf, planProcess } from "./formation.ts";
import { nameOf } from "./names.ts";

/** A colour that is ready to be made live. */
export interface ReadyColour {
  colour: Colour;
  /** The deploy that started its instances. */
  startedBy: string;
  /** Instance ids of `web`. */
  targets: string[];
  warm: boolean;
  /** Since then, by the context's clock, no `web` has run and requests are held. */
  restsSince?: number;
}

/**
 * Starts the release in the idle colour and waits until every instance is healthy. One that is to
 * be held runs `web` alone: other process types would do their work twice. @throws check-failed, image-gone
 */
export async function startIdleColour(ctx: DeployContext, release: Release): Promise<ReadyColour> {
  const app = await appOf(ctx);
  if (!(await ctx.effects.imageExists(release.image))) {
    const gone = `v${release.rollbackOf ?? release.n}`;
    throw new TealError("image-gone", { name: app.name, release: gone });
  }
  const colour = app.live ? otherColour(app.live.colour) : "blue";
  ctx.say("step", `Starting v${release.n} in ${colour}`);
  const formation = formationOf(release, await ctx.store.getSettings(app.name));
  const owner = { deploy: ctx.deploy.id, release: release.n, colour };
  const later = await exclusiveTypes(ctx, release);
  const wanted: NewInstance[] = [];
  for (const [process, count] of Object.entries(formation)) {
    if ((ctx.deploy.hold && process !== "web") || later.includes(process)) continue;
    const { keep, start } = await planProcess(ctx, owner, process, count);
    wanted.push(...keep, ...start);
  }
  const instances = await startInstances(ctx, app, release, wanted);
  const targets = instances.filter((i) => i.process === "web").map((i) => i.id);
  return { colour, startedBy: ctx.deploy.id, targets, warm: false };
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
  const name = nameOf(instance);
  const began = ctx.now();
  const made = await effects.createContainer(app, instance, release);
  await ctx.reach("container-created");
  // Who has been replaced starts nothing: its successor may have stopped just this one.
  await store.advanceInstance(claim, instance.id, "created");
  const address = await effects.startContainer(app, instance, release, made);
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
