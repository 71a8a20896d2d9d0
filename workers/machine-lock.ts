import { createServer } from "node:net";

/**
 * Takes the lock of this name, of which this machine has one: a socket of Linux's without a file.
 * It leaves nothing behind, and a killed process has let it go.
 * @returns what lets it go; null while another process has it
 * @throws Error when no such socket can be made
 */
export function takeMachineLock(name: string): Promise<(() => void) | null> {
  // It is never spoken to.
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve, reject } = Promise.withResolvers<(() => void) | null>();
  server.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") resolve(null);
    else reject(error);
  });
  server.listen({ path: `\0teal-${name}` }, () => resolve(() => server.close()));
  return promise;
}
