import type { Socket } from "node:net";
import type { Outlet } from "./answer.ts";
import { createFrameTracker, GOING_AWAY, type FrameTracker } from "./frames.ts";

/** A WebSocket between a client and an app, once the app has agreed. */
export interface Tunnel {
  /** `lines`: status line and fields of the app's 101. */
  open(app: Socket, lines: string): void;
  /** From the app to the client, from `at`. */
  down(bytes: Buffer, at: number): void;
  /** Tells the client to come again, if it would understand that at this point of the stream. */
  sayGoingAway(): void;
}

const KEEP_ALIVE_MS = 60_000;

export function createTunnel(client: Outlet): Tunnel {
  let frames: FrameTracker | null = null;
  return {
    open(app, lines) {
      frames = createFrameTracker();
      for (const side of [client, app]) side.setKeepAlive(true, KEEP_ALIVE_MS);
      client.write(`${lines}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, "latin1");
    },
    down(bytes, at) {
      if (at === bytes.length) return;
      // The bytes are only borrowed.
      const copy = Buffer.from(bytes.subarray(at));
      frames?.push(copy);
      client.write(copy);
    },
    sayGoingAway() {
      if (frames?.atBoundary()) client.write(GOING_AWAY);
    },
  };
}
