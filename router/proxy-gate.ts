import type { Socket } from "node:net";
import type { Clock } from "./clock.ts";
import { NO_HEADER, readProxyHeader } from "./proxy-header.ts";
import { createRoster, type Member } from "./roster.ts";
import type { Trust } from "./trust.ts";

export interface ProxyGateOptions {
  clock: Clock;
  trust: Trust;
  /** From the connection to the end of its header, ms. */
  headersMs: number;
}

interface Waiting extends Member {
  socket: Socket;
  /** Of the header, on the clock. */
  deadline: number;
}

/** Connections from proxies that say by the PROXY protocol whom they speak for. */
export interface ProxyGate {
  /** Calls `accept` once the header was read; ends a connection that has none, or no right to one. */
  enter(socket: Socket, accept: (socket: Socket) => void): void;
  /** Connections whose header is not there yet. */
  waiting(): number;
  cut(): void;
}

export function createProxyGate({ clock, trust, headersMs }: ProxyGateOptions): ProxyGate {
  const waiting = createRoster<Waiting>();
  clock.every((now) => {
    for (const { socket, deadline } of waiting.all()) if (now >= deadline) socket.destroy();
  });

  function enter(socket: Socket, accept: (socket: Socket) => void): void {
    // A client may reset at any time.
    socket.on("error", () => undefined);
    // Anybody else could write whatever address it likes.
    if (!trust.sourceOf(socket).trusted) return void socket.destroy();
    let bytes: Buffer | null = null;
    const entry = { place: -1, socket, deadline: clock.now() + headersMs };
    waiting.add(entry);
    socket.on("close", left);
    socket.on("data", look);

    function look(chunk: Buffer): void {
      bytes = bytes === null ? chunk : Buffer.concat([bytes, chunk]);
      const header = readProxyHeader(bytes);
      if (header === null) return;
      if (header === NO_HEADER) return void socket.destroy();
      socket.off("data", look);
      socket.off("close", left);
      left();
      if (header.address !== null) trust.setSource(socket, header.address);
      socket.pause();
      if (bytes.length > header.size) socket.unshift(bytes.subarray(header.size));
      accept(socket);
      socket.resume();
    }

    function left(): void {
      waiting.delete(entry);
    }
  }

  return {
    enter,
    waiting: () => waiting.size,
    cut() {
      for (const { socket } of waiting.all()) socket.destroy();
    },
  };
}
