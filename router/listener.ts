import { createServer, type Server } from "node:net";
import { createClient, type Client, type ClientOptions } from "./client.ts";

export type ListenerOptions = Omit<ClientOptions, "closed">;

export interface Listener {
  server: Server;
  /** Open client connections. */
  connections(): number;
  /** Stops listening and waits for what is open, for at most `drainMs`; then cuts it. */
  close(drainMs: number): Promise<void>;
}

/** A connection without a request may be about to send one. */
const SILENT_MS = 1000;

/** The server towards clients: whatever they send, a checked head is all that gets through. */
export function createListener(options: ListenerOptions): Listener {
  const clients = new Set<Client>();
  const mine = { ...options, closed: (client: Client) => void clients.delete(client) };
  const server = createServer(
    { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
    (socket) => void clients.add(createClient(socket, mine)),
  );
  options.clock.every((now) => {
    for (const client of clients) client.sweep(now);
  });

  function cut(which: "idle" | "any"): void {
    for (const client of clients) client.cut(which);
  }

  async function close(drainMs: number): Promise<void> {
    const done = new Promise<void>((resolve) => void server.close(() => resolve()));
    const timers = [
      setTimeout(cut, Math.min(SILENT_MS, drainMs), "idle"),
      setTimeout(cut, drainMs, "any"),
    ];
    await done;
    for (const timer of timers) clearTimeout(timer);
  }

  return { server, connections: () => clients.size, close };
}
