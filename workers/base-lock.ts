import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Runs `act` while no other process of this machine runs one under the same name. The lock is a
 * Linux abstract socket: it leaves nothing behind, and a killed process has let it go.
 */
export async function withMachineLock<T>(
  name: string,
  signal: AbortSignal,
  onWait: () => void,
  act: () => Promise<T>,
): Promise<T> {
  let waited = false;
  for (;;) {
    const release = await tryLock(`\0teal-${name}`);
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

function tryLock(path: string): Promise<(() => void) | null> {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<(() => void) | null>();
  server.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") resolve(null);
    else reject(error);
  });
  server.listen(path, () => resolve(() => server.close()));
  return promise;
}
