import type { App, Instance } from "../apps/types.ts";
import type { DeployContext } from "./context.ts";

/**
 * Stops instances that stay on record and may run again, and removes their containers. Whoever
 * starts them makes new ones. So what an executor that has been replaced still says to the engine,
 * to stop or to start, is about a container that is gone: a token alone could not see to that.
 */
export async function restInstances(ctx: DeployContext, instances: Instance[]): Promise<void> {
  const { effects } = ctx;
  const found = await Promise.all(
    instances.map(async ({ id }) => ({ id, made: await effects.containerOf(id) })),
  );
  await assertNewest(ctx);
  await Promise.all(
    found.map(async ({ id, made }) => {
      if (made === null) return;
      await effects.stopContainer(id, made);
      await effects.removeContainer(id, made);
    }),
  );
}

/** In a new container, if it has none. */
export async function wakeInstance(ctx: DeployContext, app: App, one: Instance): Promise<void> {
  const { store, effects, claim } = ctx;
  const release = await store.getRelease(app.name, one.release);
  if (!release) return;
  const made = await effects.createContainer(app, one, release);
  await store.advanceInstance(claim, one.id, "created");
  await effects.startContainer(app, one, release, made);
  await effects.keepRunning(one);
}

/** Waits until it is healthy again. @throws check-failed; the signal's reason */
export async function checkAgain(
  { store, effects, say }: DeployContext,
  app: App,
  one: Instance,
  signal: AbortSignal,
): Promise<void> {
  const release = await store.getRelease(app.name, one.release);
  if (release) await effects.check(app, one, release, { say, signal });
}

/** What is known up to here is of before any successor. @throws fenced */
function assertNewest({ store, claim, deploy }: DeployContext): Promise<void> {
  return store.recordStep(claim, deploy.id, "stops", {});
}
