import { setTimeout as sleep } from "node:timers/promises";
import type { Log } from "../apps/log.ts";

/**
 * Runs work that may take hours, such as stopping what has a long grace time, in rounds that must
 * not: what has not ended within `patienceMs` goes on beside them.
 * @returns what runs `act`, unless what goes by the same name still goes on. Resolves at its end, or
 * when it is waited for no longer. @throws what `act` throws in that time; later it is logged
 */
export function createAside(
  log: Pick<Log, "warn">,
  patienceMs: number,
): (name: string, act: () => Promise<void>) => Promise<void> {
  const underWay = new Set<string>();
  return async (name, act) => {
    if (underWay.has(name)) return;
    underWay.add(name);
    const task = act().finally(() => underWay.delete(name));
    const over = new AbortController();
    const late = sleep(patienceMs, true, { signal: over.signal }).catch(() => true);
    const isLate = await Promise.race([task.then(() => false), late]).finally(() => over.abort());
    if (isLate) task.catch((error) => log.warn({ what: name, error: String(error) }, "put off"));
  };
}
