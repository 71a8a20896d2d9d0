import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { hostname } from "node:os";
import { randomUUID } from "node:crypto";
import { createAdmission } from "./admission.ts";
import { answer, answerOn, answerRaw } from "./answer.ts";
import type { Counters, Route, RouteAck, RouterReport } from "./contract.ts";
import { createDrain } from "./drain.ts";
import { isWebSocket, portOf, readHead, type Head } from "./guard.ts";
import { setForwarded } from "./headers.ts";
import { createHolds } from "./hold.ts";
import { createProxy } from "./proxy.ts";
import { createSwaps, type Swaps } from "./swap.ts";
import { createTable, newCounters, type Snapshot } from "./table.ts";
import { createUpgrade } from "./upgrade.ts";

export interface RouterOptions {
  id: string;
  /** Where acknowledgements go. */
  ack(ack: RouteAck): void;
  /** The table changed, or an old target has nothing open any more: the report is worth telling. */
  changed?(what: "table" | "idle"): void;
  /** The store's route of an app, asked for when a hold runs out. Rejects when there is no answer in time. */
  reread?(app: string): Promise<Route | null>;
  limits?: Partial<Limits>;
}

/** Times in ms. */
export interface Limits {
  heldRequests: number;
  connectMs: number;
  handshakeMs: number;
  uploadIdleMs: number;
  headersMs: number;
  keepAliveMs: number;
}

const LIMITS: Limits = {
  heldRequests: 10_000,
  connectMs: 5000,
  handshakeMs: 60_000,
  uploadIdleMs: 300_000,
  headersMs: 60_000,
  keepAliveMs: 75_000,
};

const SILENT_MS = 1000;
const MAX_HEADER_BYTES = 32 * 1024;

export interface Router extends Swaps {
  server: Server;
  report(): RouterReport;
  counters(app: string): Counters;
  /** App to the version at which it went, and the routes. */
  snapshot(): Snapshot;
  stats(): RouterStats;
  /** Stops listening, lets requests end for at most `drainMs`, then cuts. Resolves when nothing is open. */
  close(drainMs: number): Promise<void>;
}

export interface RouterStats {
  id: string;
  waiting: number;
  connections: number;
  draining: Record<string, number>;
  apps: Record<string, AppStats>;
}

export interface AppStats {
  version: number;
  release: number;
  holding: boolean;
  targets: { id: string; open: number }[];
  counters: Counters;
}

/** What a client's connection did last: its latest request's answer. */
type Latest = ServerResponse | "upgraded" | null;

/** A router without the store: events in, acknowledgements out, and the HTTP server, not yet listening. */
export function createRouter(options: RouterOptions): Router {
  const limits = { ...LIMITS, ...options.limits };
  const changed = options.changed ?? (() => undefined);
  const drain = createDrain({ onIdle: () => changed("idle") });
  const table = createTable(drain.revive);
  const holds = createHolds({ limit: limits.heldRequests });
  const swaps = createSwaps({
    id: options.id,
    table,
    holds,
    drain,
    ack: options.ack,
    changed: () => changed("table"),
    reread: options.reread ?? (() => Promise.resolve(null)),
  });
  const admit = createAdmission(table);
  let closing = false;
  const shared = { ...limits, admit, ended: drain.ended };
  const forward = createProxy({ ...shared, closing: () => closing });
  const upgrade = createUpgrade(shared);
  const sockets = new Map<Socket, Latest>();

  function onRequest(req: IncomingMessage, res: ServerResponse): void {
    const head = readHead(req);
    sockets.set(req.socket, res);
    if ("says" in head) return answer(res, head.status, head.says, { close: true });
    tellClient(head, req.socket);
    forward(req, res, head);
  }

  function onUpgrade(req: IncomingMessage, socket: Socket, early: Buffer): void {
    const head = readHead(req);
    sockets.set(socket, "upgraded");
    if ("says" in head) return answer(answerOn(req, socket), head.status, head.says);
    tellClient(head, socket);
    upgrade(req, socket, early, head);
  }

  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: limits.headersMs,
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      noDelay: true,
      shouldUpgradeCallback: isWebSocket,
    },
    onRequest,
  );
  // 0: all fields are shown to the guard; Node would leave out those beyond 1,000.
  server.maxHeadersCount = 0;
  server.on("checkContinue", onRequest);
  server.on("checkExpectation", onRequest);
  server.on("upgrade", onUpgrade);
  server.on("connect", (_req, socket: Socket) => {
    answerRaw(socket, 405, "Method Not Allowed", "This is no forward proxy.");
  });
  server.on("clientError", (error, socket: Socket) => onClientError(error, socket, sockets.get(socket)));
  server.on("connection", (socket: Socket) => {
    // A client may reset at any time, also when Node has handed the socket over.
    socket.on("error", () => undefined);
    sockets.set(socket, null);
    socket.once("close", () => sockets.delete(socket));
  });

  function stats(): RouterStats {
    const apps: Record<string, AppStats> = {};
    for (const app of table.apps()) {
      apps[app.name] = {
        version: app.route?.version ?? 0,
        release: app.route?.release ?? 0,
        holding: app.hold !== null,
        targets: app.targets.map(({ id, open }) => ({ id, open: open.size })),
        counters: app.counters,
      };
    }
    const { id } = options;
    return { id, waiting: holds.waiting(), connections: sockets.size, draining: drain.busy(), apps };
  }

  async function close(drainMs: number): Promise<void> {
    closing = true;
    const done = new Promise<void>((resolve) => void server.close(() => resolve()));
    // A stream has no end of its own; all routers of a machine must not lose theirs at one instant.
    const streams = [...table.apps()].flatMap((app) =>
      app.targets.flatMap((target) => [...target.open].filter((exchange) => exchange.streaming)),
    );
    const spread = Math.min(2000, drainMs / 2);
    const timers = streams.map((stream, i) =>
      setTimeout(() => stream.end(), (i * spread) / streams.length),
    );
    const cut = (everything: boolean) => () => {
      for (const [socket, latest] of sockets) {
        if (everything || latest === null || (latest !== "upgraded" && latest.closed)) socket.destroy();
      }
    };
    // Node closes what is idle after a request; a connection that has sent none yet may be about to.
    timers.push(setTimeout(cut(false), Math.min(SILENT_MS, drainMs)), setTimeout(cut(true), drainMs));
    await done;
    for (const timer of timers) clearTimeout(timer);
    drain.close();
    for (const app of table.apps()) for (const target of app.targets) target.agent.destroy();
  }

  return {
    server,
    apply: swaps.apply,
    force: swaps.force,
    forget: swaps.forget,
    report: () => ({
      id: options.id,
      host: hostname(),
      pid: process.pid,
      acks: table.versions(),
      busy: drain.busy(),
    }),
    counters: (app) => table.get(app)?.counters ?? newCounters(),
    snapshot: table.snapshot,
    stats,
    close,
  };
}

function tellClient(head: Head, socket: Socket): void {
  const address = socket.remoteAddress ?? "unknown";
  setForwarded(head.fields, {
    address: address.startsWith("::ffff:") ? address.slice(7) : address,
    proto: "http",
    authority: head.authority,
    port: portOf(head.authority),
    requestId: randomUUID(),
  });
}

function onClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  latest: Latest | undefined,
): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  if (latest && latest !== "upgraded" && !latest.closed) {
    // In the middle of a body. An answer that has begun can only be cut: bytes put into it would be its.
    if (latest.headersSent) return void socket.destroy();
    return answer(latest, 400, "The body is not framed as HTTP/1.1 asks for.", { close: true });
  }
  if (error.code === "HPE_HEADER_OVERFLOW") {
    return answerRaw(socket, 431, "Request Header Fields Too Large", "At most 32 KB of header were expected.");
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return answerRaw(socket, 408, "Request Timeout", "A whole request head was expected sooner.");
  }
  answerRaw(socket, 400, "Bad Request", "An HTTP/1.1 request was expected.");
}
