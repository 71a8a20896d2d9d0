import { isTealError, TealError } from "../apps/errors.ts";
import type { Log } from "../apps/log.ts";
import type { Claim } from "../apps/store.ts";
import type { Deploy } from "../apps/types.ts";
import type { DeployContext, Shop } from "./context.ts";
import { printableLines } from "./engine/printable.ts";
import { retireLeftovers } from "./hand-over.ts";
import type { SaidLog } from "./ports.ts";
import { isLive, runDeploy } from "./recipe.ts";
import { giveBack } from "./turns.ts";

interface Options extends Shop {
  /** Unique per worker process. */
  id: string;
  leaseMs: number;
  log: Log;
  /** Opens the deploy's log. */
  openLog(deploy: Deploy): SaidLog;
  /** Called when instances may have been retired. */
  onRetired(app: string): void;
}

export interface Executor {
  /** Does all the work that waits for `app`; returns at once when another executor has it. */
  work(app: string): Promise<void>;
  /** Takes up no more deploys; those that run have five seconds to end, and are then left to the next executor. */
  close(): void;
}

const CANCEL_POLL_MS = 400;
/** What a deploy takes that is about to be live; a build is begun anew elsewhere. */
const LEAVE_MS = 5000;
/** An executor that was not told that its lease goes on stops after this share of it. */
const GIVE_UP = 0.8;

/** The one that holds an app's claim and runs its deploys, one after the other. */
export function createExecutor(options: Options): Executor {
  const { store, id, leaseMs } = options;
  const closing = new AbortController();
  const leaving = new AbortController();
  return {
    async work(app) {
      while (!closing.signal.aborted) {
        const taken = await store.claim(app, id, leaseMs);
        if (!taken) return;
        await runClaimed(options, taken.claim, taken.deploy, leaving.signal);
        options.onRetired(app);
        if (!(await store.release(taken.claim))) return;
      }
    },
    close() {
      closing.abort();
      setTimeout(() => leaving.abort(), LEAVE_MS).unref();
    },
  };
}

async function runClaimed(
  options: Options,
  claim: Claim,
  deploy: Deploy,
  leaving: AbortSignal,
): Promise<void> {
  const lost = new AbortController();
  const leave = () => lost.abort(new TealError("worker-leaves", { id: deploy.id }));
  leaving.addEventListener("abort", leave, { once: true });
  const watch = watchClaim(options, claim, deploy, lost);
  const said = options.openLog(deploy);
  const { say } = said;
  const ctx: DeployContext = { ...options, claim, deploy, say, signal: lost.signal };
  if (deploy.attempts > 1) say("warn", `Taken up again (attempt ${deploy.attempts})`);
  try {
    const held = await runDeploy(ctx);
    await said.flush();
    if (held) await options.store.holdColour(claim, held);
    else await options.store.finishDeploy(claim, deploy.id, "live");
  } catch (error) {
    await giveUp(options, ctx, reasonOf(lost.signal, error), said);
  } finally {
    watch.stop();
    leaving.removeEventListener("abort", leave);
  }
}

function reasonOf(signal: AbortSignal, error: unknown): unknown {
  return signal.aborted && isTealError(signal.reason) ? signal.reason : error;
}

/**
 * A deploy that cannot go on. When the claim or the store is gone nothing more is written: the
 * executor that takes over decides. Otherwise what it started is retired and the deploy ends.
 */
async function giveUp(
  { store, log }: Options,
  ctx: DeployContext,
  error: unknown,
  { flush, conceal }: SaidLog,
): Promise<void> {
  const { deploy, claim, say } = ctx;
  if (isTealError(error, "worker-leaves")) {
    say("warn", error.says);
    await flush().catch(() => {});
  }
  if (isTealError(error, "fenced", "store-unavailable", "worker-leaves")) {
    log.warn({ deploy: deploy.id, error: error.message }, "deploy left to its next executor");
    return;
  }
  if (!isTealError(error)) log.error({ deploy: deploy.id, error }, "deploy failed unexpectedly");
  const known = isTealError(error)
    ? error
    : new TealError("internal", { detail: error instanceof Error ? error.message : String(error) });
  try {
    // After the swap there is no way back: what went wrong then is told, and the release is live.
    const live = await isLive(ctx);
    say(live ? "warn" : "error", known.says);
    if (!live) {
      say("error", known.todo);
      await giveBack(ctx);
    }
    await retireLeftovers(ctx);
    await flush();
    const cancelled = known.code === "deploy-cancelled";
    const state = live ? "live" : cancelled ? "cancelled" : "failed";
    // What a build says of itself may command terminals, and have lines.
    const why = printableLines(known.says).join(" ");
    await store.finishDeploy(claim, deploy.id, state, conceal(why));
  } catch (second) {
    log.warn({ deploy: deploy.id, error: String(second) }, "deploy left to its next executor");
  }
}

/** Renews the claim and looks for a cancellation; aborts `lost` before the lease could have ended. */
function watchClaim(
  { store, id, leaseMs, now }: Options,
  claim: Claim,
  deploy: Deploy,
  lost: AbortController,
): { stop(): void } {
  const expire = () => lost.abort(new TealError("fenced", { name: claim.app, token: claim.token }));
  const giveUpAfter = (ms: number) => setTimeout(expire, Math.max(0, ms)).unref();
  let deadline = giveUpAfter(leaseMs * GIVE_UP);
  const renew = async () => {
    const asked = now();
    const ours = await store.renew(claim, id, leaseMs).catch(() => null);
    if (ours === false) expire();
    if (ours !== true) return;
    clearTimeout(deadline);
    deadline = giveUpAfter(asked + leaseMs * GIVE_UP - now());
  };
  const look = async () => {
    const current = await store.getDeploy(deploy.id).catch(() => null);
    if (current?.cancelRequested) {
      lost.abort(new TealError("deploy-cancelled", { id: deploy.id, why: "" }));
    }
  };
  const timers = [
    setInterval(() => void renew(), leaseMs / 4),
    setInterval(() => void look(), CANCEL_POLL_MS),
  ];
  // What keeps the process running is its connections, not this watch.
  timers.forEach((timer) => timer.unref());
  return {
    stop() {
      timers.forEach((timer) => clearInterval(timer));
      clearTimeout(deadline);
    },
  };
}
