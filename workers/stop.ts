import { setTimeout as sleep } from "node:timers/promises";
import { TealError } from "../apps/errors.ts";
import type { Instance } from "../apps/types.ts";
import { appOf, type DeployContext } from "./context.ts";
import { isNeeded, isRetired } from "./hand-over.ts";

const LOOK_MS = 100;
/** Longer than any router's lease. */
const ACKNOWLEDGED_MS = 60_000;

/**
 * Stops all that runs of an app whose people stopped it. Its instances stay on record, to be started
 * again. Their route says `stopped` already; first every router has to have heard of it, or be gone.
 */
export async function restWhatRuns(ctx: DeployContext): Promise<void> {
  const { store, effects, deploy, say } = ctx;
  const route = await store.getRoute(deploy.app);
  if (!route?.policy?.stopped)
    throw new TealError("internal", { detail: "the route is not stopped" });
  await untilAcknowledged(ctx, route.version);
  const ids = (await store.listInstances(deploy.app)).filter((one) => !isRetired(one));
  await Promise.all(ids.map(({ id }) => effects.stopContainer(id)));
  say(
    "step",
    `Stopped ${ids.length} instance(s); 'teal ps:start -a ${deploy.app}' starts them again`,
  );
}

/** No request may be on its way to what is stopped. */
async function untilAcknowledged({ store, deploy, signal }: DeployContext, version: number) {
  const over = performance.now() + ACKNOWLEDGED_MS;
  for (;;) {
    const routers = await store.routers();
    const late = routers.filter((it) => !it.expired && (it.acks[deploy.app] ?? 0) < version);
    if (late.length === 0) return;
    signal.throwIfAborted();
    if (performance.now() > over) {
      const detail = `router ${late.map(({ id }) => id).join(", ")} does not acknowledge`;
      throw new TealError("internal", { detail });
    }
    await sleep(LOOK_MS);
  }
}

/**
 * Starts the instances of a stopped app again and waits until they are healthy; only then may its
 * route say so. What does not come up is stopped again, and the app with it. @throws check-failed
 */
export async function wakeWhatRests(ctx: DeployContext): Promise<void> {
  const { store, deploy, effects, say } = ctx;
  const app = await appOf(ctx);
  const route = await store.getRoute(deploy.app);
  const rested = (await store.listInstances(deploy.app)).filter(
    (one) =>
      !isRetired(one) &&
      isNeeded(app, route, one) &&
      isOfLive(one, app.live?.deploy, route?.deploy),
  );
  say("step", `Starting ${rested.length} instance(s) again`);
  try {
    await Promise.all(rested.map((one) => wake(ctx, one)));
  } catch (error) {
    await store.changeSettings(deploy.app, { options: { stopped: true } });
    await Promise.all(rested.map(({ id }) => effects.stopContainer(id)));
    throw error;
  }
}

/** The standby is started by the reconciler, later. */
function isOfLive(one: Instance, live: string | undefined, routed: string | undefined): boolean {
  return one.deploy === (one.process === "web" ? live : routed);
}

async function wake(ctx: DeployContext, instance: Instance): Promise<void> {
  const { store, effects, say, signal } = ctx;
  const app = await appOf(ctx);
  const release = await store.getRelease(app.name, instance.release);
  if (!release)
    throw new TealError("release-not-found", { name: app.name, release: `v${instance.release}` });
  await effects.createContainer(app, instance, release);
  await effects.startContainer(app, instance, release);
  await effects.check(app, instance, release, { say, signal });
}

/**
 * What goes live of a stopped app starts it: who pushes wants to see the new version. The mark is
 * taken away for the swap, whose route then no longer says so, and put back when there was none.
 */
export async function startingWith<T>(ctx: DeployContext, swap: () => Promise<T>): Promise<T> {
  const { store, deploy, say } = ctx;
  const { options } = await store.getSettings(deploy.app);
  if (!options.stopped) return swap();
  say("warn", `${deploy.app} was stopped; it starts with this release`);
  await store.changeSettings(deploy.app, { options: { stopped: null } });
  try {
    return await swap();
  } catch (error) {
    await store.changeSettings(deploy.app, { options: { stopped: true } }).catch(() => {});
    throw error;
  }
}
