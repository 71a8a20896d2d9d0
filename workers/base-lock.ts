import { setTimeout as sleep } from "node:timers/promises";
import { takeMachineLock } from "./machine-lock.ts";

/**
 * Runs `act` while no other process of this machine runs one under the same name.
 * @param onWait called once, when another one does
 * @throws what `act` throws; the signal's reason while it waits
 */
export async function withMachineLock<T>(
  name: string,
  signal: AbortSignal,
  onWait: () => void,
  act: () => Promise<T>,
): Promise<T> {
  let waited = false;
  for (;;) {
    const release = await takeMachineLock(name);
    if (release) {
      try {
        return await act();
      } finally {
        release();
      }
    }
    if (!waited) onWait();
    waited = true;
    await sleep(200, undefined, { signal });
  }
}
