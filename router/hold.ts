/** New requests of one app waiting for the second phase of a swap. */
export interface Hold {
  readonly swap: string;
  /** `performance.now()` at the start. */
  readonly since: number;
  /** Queues `admit`; false when too many wait already in this process. */
  wait(admit: () => void): boolean;
  /** Lets all go, in order. Returns how long each waited, ms. */
  release(): number[];
}

export interface Holds {
  /** `expired` is called once after `holdMs`, unless the hold was released before. */
  open(swap: string, holdMs: number, expired: (hold: Hold) => void): Hold;
  waiting(): number;
}

/** A hold never lasts longer than this, whatever the event says. */
const MAX_HOLD_MS = 10_000;
const BATCH = 200;

/** `limit`: how many requests may wait in this process, all apps together. */
export function createHolds({ limit }: { limit: number }): Holds {
  let waiting = 0;

  function open(swap: string, holdMs: number, expired: (hold: Hold) => void): Hold {
    const queue: (() => void)[] = [];
    const came: number[] = [];
    const hold: Hold = {
      swap,
      since: performance.now(),
      wait(admit) {
        if (waiting >= limit) return false;
        waiting++;
        queue.push(admit);
        came.push(performance.now());
        return true;
      },
      release() {
        clearTimeout(timer);
        const now = performance.now();
        letGo(queue.splice(0), 0);
        return came.splice(0).map((at) => now - at);
      },
    };
    const bound = Number.isFinite(holdMs)
      ? Math.min(Math.max(holdMs, 0), MAX_HOLD_MS)
      : MAX_HOLD_MS;
    const timer = setTimeout(() => expired(hold), bound);
    return hold;
  }

  // In batches, so that ten thousand of them do not stop the event loop.
  function letGo(queue: (() => void)[], from: number): void {
    const end = Math.min(from + BATCH, queue.length);
    for (let i = from; i < end; i++) {
      waiting--;
      queue[i]?.();
    }
    if (end < queue.length) setImmediate(letGo, queue, end);
  }

  return { open, waiting: () => waiting };
}
