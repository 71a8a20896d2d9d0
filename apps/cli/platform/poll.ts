import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again until `holds` or the time (ms) is over. */
export async function poll(
  holds: () => Promise<boolean>,
  timeoutMs: number,
  everyMs = 200,
): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    if (await holds()) return true;
    if (performance.now() >= end) return false;
    await sleep(everyMs);
  }
}
