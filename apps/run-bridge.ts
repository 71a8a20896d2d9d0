import type { WebSocket } from "ws";
import { MOST_WAITING } from "./run-protocol.ts";

/** How often a client is asked whether it is there, and may still be. In ms. */
const HEARTBEAT = 15_000;

/** Passes messages both ways until either side goes; then both are gone. */
export function bridge(
  client: WebSocket,
  worker: WebSocket,
  allowed: () => Promise<boolean>,
): void {
  let answered = true;
  const heartbeat = setInterval(() => {
    if (!answered) return client.terminate();
    answered = false;
    client.ping();
    // A store that does not answer takes nobody's right away.
    void allowed().then(
      (yes) => yes || client.close(1008, "no longer allowed"),
      () => {},
    );
  }, HEARTBEAT);
  client.on("pong", () => (answered = true));
  client.once("close", () => clearInterval(heartbeat));
  pass(client, worker);
  pass(worker, client);
  worker.resume();
}

/** No more is read from one side than the other takes. */
function pass(from: WebSocket, to: WebSocket): void {
  from.on("message", (data, isBinary) => {
    to.send(data as Buffer, { binary: isBinary }, () => {
      if (from.isPaused && to.bufferedAmount < MOST_WAITING) from.resume();
    });
    if (to.bufferedAmount >= MOST_WAITING) from.pause();
  });
  from.on("error", () => {});
  // Behind what is still to be sent.
  from.once("close", () => to.close());
}
