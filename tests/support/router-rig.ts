import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import type { Route, RouteAck } from "../../router/contract.ts";
import { createRouter, type Router, type RouterOptions } from "../../router/server.ts";

export interface RouterRig {
  router: Router;
  port: number;
  acks: RouteAck[];
  /** Routes `shop.test` (or `hosts`) to local ports. */
  route(ports: number[], more?: Partial<Route>): void;
}

/** A router on a random loopback port, closed at the end of the test. */
export async function startRouter(
  t: ExecutionContext,
  options: Partial<RouterOptions> = {},
): Promise<RouterRig> {
  const acks: RouteAck[] = [];
  const router = createRouter({ id: "r1", ack: (ack) => acks.push(ack), ...options });
  router.server.listen(0, "127.0.0.1");
  await once(router.server, "listening");
  t.teardown(() => router.close(0));
  const { port } = router.server.address() as AddressInfo;
  let version = 0;
  return {
    router,
    port,
    acks,
    route(ports, more = {}) {
      version = more.version ?? version + 1;
      router.apply({ type: "route", route: routeTo(ports, { ...more, version }) });
    },
  };
}

/** A route of app `shop` at `shop.test`; instances are named after their ports. */
export function routeTo(ports: number[], more: Partial<Route> = {}): Route {
  const targets = ports.map((port) => ({ id: `shop-${port}`, host: "127.0.0.1", port }));
  return {
    ...{ app: "shop", version: 1, colour: "blue", release: 1, deploy: "shop-1" },
    ...{ hosts: ["shop.test"], targets, drainMs: 1000, ...more },
  };
}

export interface RawApp {
  port: number;
  /** What each connection has sent so far, as latin1. */
  received: string[];
  server: Server;
}

/** An app that speaks bare TCP. `talk` is called once per connection that has sent a whole head. */
export async function startRawApp(
  t: ExecutionContext,
  talk: (socket: Socket, head: string, n: number) => void,
): Promise<RawApp> {
  const received: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    const n = received.push("") - 1;
    let talked = false;
    socket.on("data", (chunk) => {
      received[n] += chunk.toString("latin1");
      if (talked || !received[n]?.includes("\r\n\r\n")) return;
      talked = true;
      talk(socket, received[n], n);
    });
  });
  const port = await listen(server);
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port, received, server };
}

/** An app on Node's HTTP server; its port. */
export async function startHttpApp(t: ExecutionContext, handler: RequestListener): Promise<number> {
  const app = createHttpServer(handler);
  t.teardown(() => {
    app.closeAllConnections();
    app.close();
  });
  return listen(app);
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

let deadPorts = 0;

/**
 * A port that nobody listens on, nor will: it lies below those that the kernel gives to servers that
 * ask for any port, and in a block of this process. (Of freed ones, 1 in 180 was some other server's
 * again after 40 more had started.)
 */
export async function deadPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + (process.pid % 200) * 60 + (deadPorts++ % 60);
    const server = createServer().listen(port, "127.0.0.1");
    const free = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

export interface RawClient {
  socket: Socket;
  /** All that came so far, as latin1. */
  text(): string;
  closed(): boolean;
  write(text: string): void;
  /** Waits until the text matches, or fails after 10 s. */
  until(pattern: RegExp): Promise<string>;
  /** Waits for the connection's end. */
  end(): Promise<string>;
}

export async function rawClient(t: ExecutionContext, port: number, first = ""): Promise<RawClient> {
  const socket = connect(port, "127.0.0.1");
  let text = "";
  let closed = false;
  socket.on("error", () => undefined);
  socket.on("close", () => (closed = true));
  socket.on("data", (chunk) => (text += chunk.toString("latin1")));
  t.teardown(() => socket.destroy());
  await once(socket, "connect");
  if (first) socket.write(first, "latin1");
  return {
    socket,
    text: () => text,
    closed: () => closed,
    write: (more) => void socket.write(more, "latin1"),
    async until(pattern) {
      await eventually(
        () => pattern.test(text),
        () => `${pattern} in ${JSON.stringify(text)}`,
      );
      return text;
    },
    async end() {
      await eventually(
        () => closed,
        () => `the end after ${JSON.stringify(text)}`,
      );
      return text;
    },
  };
}

/** Polls until `holds`, for at most 10 s. */
export async function eventually(
  holds: () => boolean,
  what: () => string = () => String(holds),
): Promise<void> {
  for (let i = 0; i < 2000; i++) {
    if (holds()) return;
    await sleep(5);
  }
  throw new Error(`waited in vain for ${what()}`);
}

/** One request on a connection of its own, with `Connection: close`; the whole answer. */
export async function ask(
  t: ExecutionContext,
  port: number,
  more = "",
  path = "/",
): Promise<string> {
  const text = `GET ${path} HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\n${more}\r\n`;
  return (await rawClient(t, port, text)).end();
}

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
export const OK_CLOSE = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
export const HEAD = "Host: shop.test\r\n";
