import { isDeepStrictEqual } from "node:util";
import { describePolicy, policyOf } from "../apps/routing.ts";
import type { DeployContext } from "./context.ts";

const LOOK_MS = 1000;

type Context = Pick<DeployContext, "store" | "claim" | "deploy" | "say">;

/**
 * While `work` goes on, which may be a long build, what people tell the router is brought to the
 * live route at once: maintenance does not wait for a deploy. Its own deploy comes later and finds
 * it done. `work` writes no route.
 */
export async function keepingRouting<T>(
  ctx: Context,
  work: () => Promise<T>,
  lookMs = LOOK_MS,
): Promise<T> {
  let looking: Promise<void> = Promise.resolve();
  let busy = false;
  const look = () => {
    if (busy) return;
    busy = true;
    // Whatever fails here fails again, and is told, in the deploy of the change.
    looking = bringRouting(ctx)
      .catch(() => undefined)
      .finally(() => (busy = false));
  };
  const timer = setInterval(look, lookMs);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await looking;
  }
}

async function bringRouting({ store, claim, deploy, say }: Context): Promise<void> {
  const route = await store.getRoute(deploy.app);
  if (!route) return;
  const { options } = await store.getSettings(deploy.app);
  // Whether it is stopped, or rests, goes with its instances, which are left alone here.
  const { stopped: _wish, ...rest } = policyOf(options, route.hosts) ?? {};
  const { stopped, restsMs } = route.policy ?? {};
  const now = { ...(stopped && { stopped }), ...(restsMs !== undefined && { restsMs }) };
  const wanted = { ...rest, ...now };
  const policy = Object.keys(wanted).length > 0 ? wanted : undefined;
  if (isDeepStrictEqual(policy, route.policy)) return;
  const { hosts, targets, version: expectedVersion } = route;
  const ids = targets.map(({ id }) => id);
  await store.updateRoute(claim, { targets: ids, hosts, policy, expectedVersion });
  say("info", `Routing meanwhile: ${describePolicy(policy)}`);
}
