import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const AGAIN_MS = 500;

/**
 * Of the processes on this machine that do `what`, one does it, until its signal aborts or it dies;
 * the others wait here. The kernel is the arbiter: a socket without a file is bound by one process
 * at a time, and free when that has died.
 * @returns false when the signal aborted first
 */
export async function becomeOnlyOne(
  what: string,
  signal: AbortSignal,
  againMs = AGAIN_MS,
): Promise<boolean> {
  const name = `\0teal-${createHash("sha256").update(what).digest("hex").slice(0, 24)}`;
  while (!signal.aborted) {
    const server = await bind(name);
    if (server) {
      const close = () => void server.close();
      if (signal.aborted) close();
      else signal.addEventListener("abort", close, { once: true });
      return !signal.aborted;
    }
    await sleep(againMs, undefined, { signal }).catch(() => {});
  }
  return false;
}

/** Null when another process has it. */
function bind(name: string): Promise<Server | null> {
  return new Promise((resolve) => {
    // It is never spoken to.
    const server = createServer((socket) => socket.destroy());
    server.once("error", () => resolve(null));
    server.listen({ path: name }, () => resolve(server));
  });
}
