/**
 * Coarse time for all timeouts of a router: one timer for all connections instead of one each. It
 * stands still while the process does, so that nobody is late whose bytes wait to be read.
 */
export interface Clock {
  /** ms, as of the last tick. */
  now(): number;
  /** Calls `run` on each tick until `close`. */
  every(run: (now: number) => void): void;
  close(): void;
}

const TICK_MS = 100;
const MAX_STEP_MS = 3 * TICK_MS;

export function createClock(): Clock {
  const runs: ((now: number) => void)[] = [];
  let last = performance.now();
  let now = last;
  const timer = setInterval(() => {
    const real = performance.now();
    now += Math.min(real - last, MAX_STEP_MS);
    last = real;
    for (const run of runs) run(now);
  }, TICK_MS);
  timer.unref();
  return {
    now: () => now,
    every: (run) => void runs.push(run),
    close: () => clearInterval(timer),
  };
}
