export interface Slots {
  /** All are taken: the next task would wait. */
  busy(): boolean;
  /** Runs the task once there is a slot for it. @throws the signal's reason, also while it waits */
  run<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T>;
}

/** At most `count` tasks at a time; the others wait in order. */
export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();

  function enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (free > 0) {
      free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const leave = () => {
        waiting.delete(come);
        reject(signal.reason as Error);
      };
      const come = () => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      waiting.add(come);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  function letGo(): void {
    const [next] = waiting;
    if (!next) {
      free++;
      return;
    }
    waiting.delete(next);
    next();
  }

  return {
    busy: () => free === 0,
    async run(signal, task) {
      await enter(signal);
      try {
        signal.throwIfAborted();
        return await task();
      } finally {
        letGo();
      }
    },
  };
}
