import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { takeMachineLock } from "./machine-lock.ts";

const AGAIN_MS = 500;

/**
 * Of the processes on this machine that do `what`, one does it, until its signal aborts or it dies;
 * the others wait here.
 * @returns false when the signal aborted first
 */
export async function becomeOnlyOne(
  what: string,
  signal: AbortSignal,
  againMs = AGAIN_MS,
): Promise<boolean> {
  // A path may be longer than the name of a socket.
  const name = createHash("sha256").update(what).digest("hex").slice(0, 24);
  while (!signal.aborted) {
    // Where no socket can be made just now, one may be later.
    const letGo = await takeMachineLock(name).catch(() => null);
    if (letGo) {
      if (signal.aborted) letGo();
      else signal.addEventListener("abort", letGo, { once: true });
      return !signal.aborted;
    }
    await sleep(againMs, undefined, { signal }).catch(() => {});
  }
  return false;
}
