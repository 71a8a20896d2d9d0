import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../apps/log.ts";
import type { Watches } from "../apps/watches.ts";

interface Options {
  /** Unique per worker process. */
  id: string;
  leaseMs: number;
  watches: Pick<Watches, "lead" | "leave">;
  /** Done every second while the lease is this worker's. Each must bear being cut off, and being done twice. */
  duties: (() => Promise<void>)[];
  /** Runs for as long as the lease is this worker's, until the signal. */
  listen(signal: AbortSignal): Promise<void>;
  log: Log;
}

const EVERY_MS = 1000;

/**
 * Of all workers one watches over what runs: releases on guard, crashes, instances that hang. When
 * it dies another takes over, from what is on record.
 */
export function createWarden(options: Options): { close(): Promise<void> } {
  const { id, leaseMs, watches, log } = options;
  const stopping = new AbortController();
  let term: AbortController | null = null;

  async function round(): Promise<void> {
    const ours = await watches.lead(id, leaseMs).catch(() => false);
    if (!ours) return endTerm();
    term ??= beginTerm();
    for (const duty of options.duties) {
      await duty().catch((error) => log.warn({ error: String(error) }, "a look put off"));
    }
  }

  function beginTerm(): AbortController {
    const begun = new AbortController();
    void options
      .listen(begun.signal)
      .catch((error) => log.warn({ error: String(error) }, "nothing is heard of the engine"));
    return begun;
  }

  function endTerm(): void {
    term?.abort();
    term = null;
  }

  async function keepRound(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      await round();
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
    endTerm();
    await watches.leave(id).catch(() => {});
  }

  const rounds = keepRound();
  return {
    async close() {
      stopping.abort();
      await rounds;
    },
  };
}
