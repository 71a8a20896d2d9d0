import { setTimeout as sleep } from "node:timers/promises";
import { isTealError, TealError } from "../../apps/errors.ts";

const WAIT_MS = 500;
/** How long an engine may be away, ms. */
const PATIENCE_MS = 60_000;

/** HTTP status of an error answer of the engine; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" ? status : undefined;
}

function isAway(error: unknown): boolean {
  if (isTealError(error, "no-engine")) return true;
  const code = (error as { code?: unknown } | null)?.code;
  return ["ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE"].includes(String(code));
}

/**
 * A deploy waits for an engine that restarts. `call` must be one that may be made twice.
 * @throws no-engine after a minute without an answer; the signal's reason; the engine's own error otherwise
 */
export async function retryEngine<T>(
  call: () => Promise<T>,
  { signal, patienceMs = PATIENCE_MS }: { signal?: AbortSignal; patienceMs?: number } = {},
): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isAway(error)) throw error;
      if (performance.now() > end) {
        if (isTealError(error)) throw error;
        throw new TealError("no-engine", { detail: (error as Error).message }, { cause: error });
      }
      await sleep(WAIT_MS, undefined, { signal }).catch(() => signal?.throwIfAborted());
    }
  }
}
