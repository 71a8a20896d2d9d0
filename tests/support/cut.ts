import { createServer, connect, type Socket } from "node:net";
import { once } from "node:events";

/**
 * A wire to a unix socket that can be cut: both ends stay connected and hear nothing of each
 * other, as when a network is parted. What was on its way comes when it is mended.
 */
export async function createWire(path: string, to: string) {
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((near) => {
    const far = connect(to);
    for (const socket of [near, far]) {
      sockets.add(socket);
      const end = () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      };
      socket.on("error", end).on("close", end);
    }
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk) => near.write(chunk));
    if (!whole) [near, far].forEach((socket) => socket.pause());
  }).listen(path);
  await once(server, "listening");
  return {
    cut(): void {
      whole = false;
      for (const socket of sockets) socket.pause();
    },
    mend(): void {
      whole = true;
      for (const socket of sockets) socket.resume();
    },
    close(): void {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
