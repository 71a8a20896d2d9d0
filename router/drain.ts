import { targetKey, type Exchange, type TargetState } from "./table.ts";

export interface Drain {
  /** A target that left its route: what is open on it may go on for `drainMs`. */
  leave(target: TargetState, drainMs: number): void;
  /** A draining target that comes back into a route; its drain ends. */
  revive(key: string): TargetState | undefined;
  /** To be called when an exchange on any target has ended. */
  ended(target: TargetState): void;
  /** Instance id to open exchanges, for draining targets. */
  busy(): Record<string, number>;
  close(): void;
}

interface Draining {
  target: TargetState;
  timers: Set<NodeJS.Timeout>;
}

/** Over this long, at most, streams are closed one after the other, so that their clients do not all come back at once. */
const SPREAD_MS = 2000;

/**
 * Ends what old targets still do. Streams are closed in the last part of the window, the rest is
 * cut at its end. `onIdle` is called when a target that has left has nothing open any more.
 */
export function createDrain({ onIdle }: { onIdle: (target: TargetState) => void }): Drain {
  const draining = new Map<string, Draining>();

  function leave(target: TargetState, drainMs: number): void {
    target.current = false;
    if (target.open.size === 0) return finish(target);
    const spread = Math.min(SPREAD_MS, drainMs / 2);
    const entry: Draining = { target, timers: new Set() };
    draining.set(targetKey(target), entry);
    const at = (ms: number, run: () => void) => entry.timers.add(setTimeout(run, ms));
    at(drainMs - spread, () => {
      const streams = target.open.all().filter((exchange) => exchange.streaming);
      streams.forEach((stream, i) =>
        at((i * spread) / streams.length, () => endIfOpen(target, stream)),
      );
    });
    at(drainMs, () => {
      for (const exchange of target.open.all()) exchange.end();
    });
  }

  function revive(key: string): TargetState | undefined {
    const entry = draining.get(key);
    if (!entry) return undefined;
    forget(key, entry);
    return entry.target;
  }

  function ended(target: TargetState): void {
    if (target.current || target.open.size > 0) return;
    const key = targetKey(target);
    const entry = draining.get(key);
    if (entry?.target === target) forget(key, entry);
    finish(target);
  }

  function forget(key: string, entry: Draining): void {
    for (const timer of entry.timers) clearTimeout(timer);
    draining.delete(key);
  }

  function finish(target: TargetState): void {
    target.pool.destroy();
    onIdle(target);
  }

  function busy(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { target } of draining.values()) {
      counts[target.id] = (counts[target.id] ?? 0) + target.open.size;
    }
    return counts;
  }

  function close(): void {
    for (const [key, entry] of draining) forget(key, entry);
  }

  return { leave, revive, ended, busy, close };
}

function endIfOpen(target: TargetState, exchange: Exchange): void {
  if (target.open.has(exchange)) exchange.end();
}
