import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { createClient, type Client, type ClientOptions } from "./client.ts";
import { createProxyGate } from "./proxy-gate.ts";
import { createHttp2Client } from "./http2.ts";
import { createRoster } from "./roster.ts";
import { createTlsGate, type TlsOptions } from "./tls.ts";

export interface ListenerOptions
  extends Omit<ClientOptions, "closed">, Pick<TlsOptions, "contextFor" | "proofFor"> {
  /** Every connection begins with a header of the PROXY protocol. */
  proxyProtocol: boolean;
}

export interface ListenAt {
  port: number;
  host: string;
}

export interface Listener {
  /** For those who want one socket only. */
  server: Server;
  /**
   * Listens with several sockets, on a port that other processes may share. Rejects when it cannot.
   * Gives the port.
   */
  listen(at: ListenAt): Promise<number>;
  /** The same, with TLS. */
  listenTls(at: ListenAt): Promise<number>;
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
  const clients = createRoster<Client>();
  const mine = { ...options, closed: clients.delete };
  const gate = createTlsGate({ ...options, handshakeMs: options.headersMs, secured });
  const proxies = createProxyGate(options);
  const server = newServer(plain);
  const servers = [server];
  options.clock.every((now) => {
    for (const client of clients.all()) client.sweep(now);
  });

  function plain(socket: Socket): void {
    clients.add(createClient(socket, mine));
  }

  function secured(socket: TLSSocket, servername: string, under: Socket): void {
    if (options.proxyProtocol)
      options.trust.setSource(socket, options.trust.sourceOf(under).address);
    const create = socket.alpnProtocol === "h2" ? createHttp2Client : createClient;
    clients.add(create(socket, mine, servername));
  }

  function newServer(accept: (socket: Socket) => void): Server {
    const made = createServer(
      { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 },
      options.proxyProtocol ? (socket) => proxies.enter(socket, accept) : accept,
    );
    // A connection that cannot be accepted, for want of descriptors, must not end the others.
    return made.on("error", () => undefined);
  }

  async function listen(at: ListenAt): Promise<number> {
    const port = await open(server, at);
    await openMore(plain, { ...at, port });
    return port;
  }

  async function listenTls(at: ListenAt): Promise<number> {
    const first = newServer(gate.enter);
    const port = await open(first, at);
    servers.push(first);
    await openMore(gate.enter, { ...at, port });
    return port;
  }

  async function open(one: Server, { port, host }: ListenAt): Promise<number> {
    await once(one.listen({ host, port, reusePort: true, backlog: BACKLOG }), "listening");
    return (one.address() as AddressInfo).port;
  }

  async function openMore(accept: (socket: Socket) => void, at: ListenAt): Promise<void> {
    for (let i = 1; i < SOCKETS; i++) {
      const another = newServer(accept);
      servers.push(another);
      await open(another, at);
    }
  }

  function cut(which: "idle" | "any"): void {
    proxies.cut();
    gate.cut();
    for (const client of clients.all()) client.cut(which);
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

  return {
    server,
    listen,
    listenTls,
    connections: () => clients.size + gate.waiting() + proxies.waiting(),
    close,
  };
}
