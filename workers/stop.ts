import { TealError } from "../apps/errors.ts";
import type { Instance } from "../apps/types.ts";
import { untilAcknowledged } from "./acknowledged.ts";
import { appOf, type DeployContext } from "./context.ts";
import { isNeeded, isRetired } from "./hand-over.ts";
import { checkAgain, restInstances, wakeInstance } from "./resting.ts";

/**
 * Stops all that runs of an app whose people stopped it. Its instances stay on record, to be started
 * again. Their route says `stopped` already; first every router has to have heard of it, or be gone.
 */
export async function restWhatRuns(ctx: DeployContext): Promise<void> {
  const { store, deploy, say } = ctx;
  const route = await store.getRoute(deploy.app);
  if (!route?.policy?.stopped)
    throw new TealError("internal", { detail: "the route is not stopped" });
  await untilAcknowledged(ctx, route);
  const all = (await store.listInstances(deploy.app)).filter((one) => !isRetired(one));
  await restInstances(ctx, all);
  say(
    "step",
    `Stopped ${all.length} instance(s); 'teal ps:start -a ${deploy.app}' starts them again`,
  );
}

/**
 * Of a stopped app no container is left: not one either that an executor which was replaced may yet
 * stop. To be called before anything of it is used or started.
 */
export async function clearStopped(ctx: DeployContext): Promise<void> {
  const { store, deploy } = ctx;
  const route = await store.getRoute(deploy.app);
  if (!route?.policy?.stopped) return;
  await untilAcknowledged(ctx, route);
  const old = (await store.listInstances(deploy.app)).filter(
    (one) => !isRetired(one) && one.deploy !== deploy.id,
  );
  await restInstances(ctx, old);
}

/**
 * Starts the instances of a stopped app again and waits until they are healthy; only then may its
 * route say so. What does not come up is stopped again, and the app with it. @throws check-failed
 */
export async function wakeWhatRests(ctx: DeployContext): Promise<void> {
  const { store, deploy, claim, say } = ctx;
  const app = await appOf(ctx);
  const route = await store.getRoute(deploy.app);
  const rested = (await store.listInstances(deploy.app)).filter(
    (one) =>
      !isRetired(one) &&
      isNeeded(app, route, one) &&
      isOfLive(one, app.live?.deploy, route?.deploy),
  );
  say("step", `Starting ${rested.length} instance(s) again`);
  const began = await Promise.allSettled(
    rested.map(async (one) => {
      await wakeInstance(ctx, app, one);
      await checkAgain(ctx, app, one, ctx.signal);
    }),
  );
  const failed = began.find(({ status }) => status === "rejected") as
    | PromiseRejectedResult
    | undefined;
  if (!failed) return;
  await store.changeSettings(deploy.app, { options: { stopped: true } }, claim);
  await restInstances(ctx, rested);
  throw failed.reason;
}

/** The standby is started by the reconciler, later. */
function isOfLive(one: Instance, live: string | undefined, routed: string | undefined): boolean {
  return one.deploy === (one.process === "web" ? live : routed);
}

/**
 * What goes live of a stopped app starts it: who pushes wants to see the new version. Its people's
 * later word, to stop it, stands.
 */
export async function startStopped(ctx: DeployContext): Promise<void> {
  const { store, deploy, claim, say } = ctx;
  const { options } = await store.getSettings(deploy.app);
  if (!options.stopped) return;
  const later = (await store.listDeploys(deploy.app, 50)).find(
    ({ seq, stopped }) => seq > deploy.seq && stopped !== undefined,
  );
  if (later?.stopped) return;
  say("warn", `${deploy.app} was stopped; it starts with this release`);
  await store.changeSettings(deploy.app, { options: { stopped: null } }, claim);
}
