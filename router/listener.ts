import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { createClient, type Client, type ClientOptions } from "./client.ts";

export type ListenerOptions = Omit<ClientOptions, "closed">;

export interface ListenAt {
  port: number;
  host: string;
}

export interface Listener {
  /** For those who want one socket only. */
  server: Server;
  /** Listens with several sockets, on a port that other processes may share. Rejects when it cannot. */
  listen(at: ListenAt): Promise<void>;
  /** Open client connections. */
  connections(): number;
  /** Stops listening and waits for what is open, for at most `drainMs`; then cuts it. */
  close(drainMs: number): Promise<void>;
}

/** A connection without a request may be about to send one. */
const SILENT_MS = 1000;

/**
 * Node accepts one connection per listening socket in each turn of its event loop, and under load
 * a turn is long: with a single socket, new clients waited for seconds.
 */
const SOCKETS = 32;
const BACKLOG = 1024;

/** The server towards clients: whatever they send, a checked head is all that gets through. */
export function createListener(options: ListenerOptions): Listener {
  const clients = new Set<Client>();
  const mine = { ...options, closed: (client: Client) => void clients.delete(client) };
  const server = newServer();
  const servers = [server];
  options.clock.every((now) => {
    for (const client of clients) client.sweep(now);
  });

  function newServer(): Server {
    const made = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
      (socket) => void clients.add(createClient(socket, mine)),
    );
    // A connection that cannot be accepted, for want of descriptors, must not end the others.
    return made.on("error", () => undefined);
  }

  async function listen({ port, host }: ListenAt): Promise<void> {
    const shared = { host, reusePort: true, backlog: BACKLOG };
    await once(server.listen({ ...shared, port }), "listening");
    const { port: same } = server.address() as AddressInfo;
    while (servers.length < SOCKETS) {
      const another = newServer();
      servers.push(another);
      await once(another.listen({ ...shared, port: same }), "listening");
    }
  }

  function cut(which: "idle" | "any"): void {
    for (const client of clients) client.cut(which);
  }

  async function close(drainMs: number): Promise<void> {
    const done = Promise.all(
      servers.map((each) => new Promise<void>((resolve) => void each.close(() => resolve()))),
    );
    const timers = [
      setTimeout(cut, Math.min(SILENT_MS, drainMs), "idle"),
      setTimeout(cut, drainMs, "any"),
    ];
    await done;
    for (const timer of timers) clearTimeout(timer);
  }

  return { server, listen, connections: () => clients.size, close };
}
