import type { Duplex } from "node:stream";

/**
 * Of a socket or stream that is closed: lets go of all that listened to it. Node makes a function for each
 * stream in the old generation of V8's heap, which keeps the stream until that is collected, and with
 * it everything that the stream can reach. See docs/decisions/069.
 */
export function letGo(stream: Duplex): void {
  stream.removeAllListeners();
  stream.on("error", ignore);
}

function ignore(): void {}
