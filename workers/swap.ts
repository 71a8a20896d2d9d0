import type { Traffic as Answers } from "../apps/guard.ts";
import { isTealError } from "../apps/errors.ts";
import type { Route, Counters } from "../router/contract.ts";
import { policyOf } from "../apps/routing.ts";
import type { Release } from "../apps/types.ts";
import { routersThere } from "./acknowledged.ts";
import { appOf, type DeployContext, spent } from "./context.ts";
import type { ReadyColour } from "./idle-colour.ts";
import { rememberBefore } from "./on-guard.ts";
import type { Acknowledged } from "./ports.ts";

/** The commit must follow the prepare within this time; routers hold for longer, so that none lets go before. */
const COMMIT_MS = 1000;
const HOLD_MS = 2000;
/** A router that does not hold by then does not block the swap. */
const HELD_BOUND_MS = 300;
/** Not waited for longer in the deploy; its old targets stay until it acknowledges or is gone. */
const FLIPPED_BOUND_MS = 2000;
const TRIES = 5;

/**
 * The one step that makes the idle colour live, in two phases: every router holds the app's new
 * requests; then one compare-and-set in the store, upon which all flip and let them go.
 * @throws fenced, deploy-cancelled, instance-retired, and hold-expired after some tries
 */
export async function swap(
  ctx: DeployContext,
  release: Release,
  ready: ReadyColour,
  atStart: Answers | null,
): Promise<Route> {
  const { store, routers, deploy, claim } = ctx;
  const ids = await routersThere(store);
  const before = await routers.counts(deploy.app, ids, HELD_BOUND_MS);
  await rememberBefore(ctx, release.n, before, atStart);

  const began = ctx.now();
  const { route, flipped } = await prepareAndCommit(ctx, release, ready, ids);
  const ms = ctx.now() - began;
  await ctx.reach("route-swapped");
  const acknowledged = await flipped;
  await ctx.reach("routers-acked");

  const after = await routers.counts(deploy.app, ids, HELD_BOUND_MS);
  const traffic = difference(before, after);
  const report = {
    ms: round(ms),
    holdMs: round(acknowledged.holdMs),
    held: acknowledged.heldRequests,
    heldP50Ms: percentile(acknowledged.waits, 0.5),
    heldP99Ms: percentile(acknowledged.waits, 0.99),
    draining: acknowledged.draining,
    routers: ids.length,
    silent: acknowledged.silent.length,
    warm: ready.warm,
    ...(ready.restsSince !== undefined && { restMs: Math.round(ctx.now() - ready.restsSince) }),
    ...traffic,
  };
  await store.recordStep(claim, deploy.id, "swapped", report);
  announce(ctx, ready, report, acknowledged);
  return route;
}

interface Committed {
  route: Route;
  flipped: Promise<Acknowledged>;
}

async function prepareAndCommit(
  ctx: DeployContext,
  release: Release,
  ready: ReadyColour,
  ids: string[],
): Promise<Committed> {
  const { store, deploy, claim } = ctx;
  for (let tried = 1; ; tried++) {
    ctx.signal.throwIfAborted();
    const { routeVersion } = await appOf(ctx);
    const { domains, options } = await store.getSettings(deploy.app);
    // What goes live of a stopped app starts it.
    const { stopped: _stopped, ...ruled } = options;
    const hosts = [...ctx.hostsOf(deploy.app), ...domains];
    const id = `${deploy.id}-${claim.token}-${tried}`;
    if (routeVersion > 0) await holdEverywhere(ctx, id, ids);
    const version = routeVersion + 1;
    const flipped = ctx.routers.awaitFlipped(deploy.app, version, ids, FLIPPED_BOUND_MS);
    try {
      const route = await store.commitSwap(claim, {
        id,
        deploy: deploy.id,
        release: release.n,
        colour: ready.colour,
        startedBy: ready.startedBy,
        targets: ready.targets,
        expectedVersion: routeVersion,
        hosts,
        drainMs: ctx.drainMs,
        policy: policyOf(ruled, hosts),
      });
      return { route, flipped };
    } catch (error) {
      const again = isTealError(error, "hold-expired", "route-conflict") && tried < TRIES;
      if (!again) {
        await store.abandonSwap(claim, id).catch(() => {});
        throw error;
      }
    }
  }
}

async function holdEverywhere(ctx: DeployContext, swapId: string, ids: string[]): Promise<void> {
  const { store, routers, deploy, claim } = ctx;
  const held = routers.awaitHeld(swapId, ids, HELD_BOUND_MS);
  await store.prepareSwap(claim, deploy.id, swapId, { commitMs: COMMIT_MS, holdMs: HOLD_MS });
  await held;
}

interface Traffic {
  served: number;
  lost: number;
  retried: number;
  refused: number;
}

/** What the routers did between two counts. A router that restarted in between counts from zero. */
function difference(before: Map<string, Counters>, after: Map<string, Counters>): Traffic {
  const total = { served: 0, lost: 0, retried: 0, refused: 0 };
  const sum = (served: Record<string, number>) => Object.values(served).reduce((a, b) => a + b, 0);
  for (const [router, now] of after) {
    const then = before.get(router);
    total.served += Math.max(0, sum(now.served) - (then ? sum(then.served) : 0));
    for (const key of ["lost", "retried", "refused"] as const) {
      total[key] += Math.max(0, now[key] - (then?.[key] ?? 0));
    }
  }
  return total;
}

interface Held {
  held: number;
  /** The longest hold of any router, ms. */
  holdMs: number;
  heldP50Ms: number;
  heldP99Ms: number;
  draining: number;
}

function announce(
  ctx: DeployContext,
  ready: ReadyColour,
  report: Traffic & Held & { ms: number; routers: number; restMs?: number },
  acknowledged: Acknowledged,
): void {
  const waited = report.held > 0 ? ` (p50 ${report.heldP50Ms} ms, p99 ${report.heldP99Ms} ms)` : "";
  ctx.say("step", `Swapped to ${ready.colour} in ${spent(report.ms)}`);
  ctx.say(
    "info",
    `${report.routers} router(s) held ${report.held} request(s) for at most ${report.holdMs} ms${waited}; ` +
      `${report.draining} drain, ${report.served} served during the swap, ${report.retried} retried, ` +
      `${report.refused} refused, ${report.lost} lost`,
  );
  if (report.restMs !== undefined)
    ctx.say("info", `No web ran for ${spent(report.restMs)}; requests waited for it`);
  if (acknowledged.silent.length > 0) {
    ctx.say(
      "warn",
      `No answer yet from router ${acknowledged.silent.join(", ")}; the old colour stays until it answers`,
    );
  }
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** Of times in ms, in any order; 0 of none. */
function percentile(times: number[], part: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? 0;
}
