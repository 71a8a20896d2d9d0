import { guardLimits, type Traffic, type Watch } from "../apps/guard.ts";
import type { Counters } from "../router/contract.ts";
import { routersThere } from "./acknowledged.ts";
import { appOf, type DeployContext } from "./context.ts";
import { trafficBetween, trafficOf } from "./guard-judge.ts";

/** What the deploy found of the colour that it replaces. */
type Before = Pick<Watch, "against" | "before" | "recent" | "crashesBefore" | "release" | "limits">;

const COUNT_BOUND_MS = 300;
/** Crashes longer ago say little about now. */
const CRASHES_MS = 3_600_000;
const STEP = "before-swap";

/** What the live release has answered so far; null when there is none, or when it is not to be compared. */
export async function liveTraffic(ctx: DeployContext): Promise<Traffic | null> {
  const { live, name } = await appOf(ctx);
  if (!live || !isGuarded(ctx)) return null;
  const ids = await routersThere(ctx.store);
  const counts = await ctx.routers.counts(name, ids, COUNT_BOUND_MS);
  return trafficOf(counts.values(), live.release);
}

/**
 * Keeps what the live colour was like, for the comparison; called right before a swap.
 * @param atStart what it had answered when the deploy began
 */
export async function rememberBefore(
  ctx: DeployContext,
  release: number,
  counts: Map<string, Counters>,
  atStart: Traffic | null,
): Promise<void> {
  const { live, name } = await appOf(ctx);
  const limits = guardLimits((await ctx.store.getSettings(name)).options.guard);
  if (!live || !limits || !isGuarded(ctx)) return;
  const before = trafficOf(counts.values(), live.release);
  const since = Math.max(live.since, Date.now() - CRASHES_MS);
  const crashes = await ctx.crashes.list(name, since);
  const found: Before = {
    ...{ release, against: live.release, limits, before },
    ...(atStart && { recent: trafficBetween(atStart, before) }),
    crashesBefore: {
      crashes: crashes.filter((it) => it.release === live.release).length,
      ms: Date.now() - since,
    },
  };
  await ctx.store.recordStep(ctx.claim, ctx.deploy.id, STEP, found);
}

/** From now on the new colour is watched, by whichever worker does the watching. Twice is once. */
export async function putOnGuard(ctx: DeployContext): Promise<void> {
  const { deploy, store, say } = ctx;
  const steps = await store.getSteps(deploy.id);
  const found = steps[STEP] as Before | undefined;
  if (!found || steps["on-guard"]) return;
  const { window } = found.limits;
  const since = Date.now();
  await ctx.watches.open({
    ...{ app: deploy.app, deploy: deploy.id, seq: deploy.seq, state: "watching" },
    ...{ since, until: since + window * 1000, ...found },
  });
  await store.recordStep(ctx.claim, deploy.id, "on-guard", { window });
  say(
    "info",
    `On guard for ${window} s: should v${found.release} do worse, v${found.against} is swapped back to`,
  );
}

/** One goes back to what is known: there is nothing to compare, and no swapping to and fro. */
function isGuarded({ deploy }: DeployContext): boolean {
  return deploy.kind !== "rollback";
}
