import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { answer, answerOn, answerRaw } from "./answer.ts";
import { isWebSocket, portOf, readHead, type Head } from "./guard.ts";
import { setForwarded } from "./headers.ts";
import type { Forward } from "./proxy.ts";
import type { Upgrade } from "./upgrade.ts";

/** Times in ms. */
export interface ListenerOptions {
  headersMs: number;
  keepAliveMs: number;
  forward: Forward;
  upgrade: Upgrade;
}

export interface Listener {
  server: Server;
  /** Open client connections. */
  connections(): number;
  /** Stops listening and waits for what is open, for at most `drainMs`; then cuts it. */
  close(drainMs: number): Promise<void>;
}

/** What a client's connection did last: its latest request's answer. */
type Latest = ServerResponse | "upgraded" | null;

const SILENT_MS = 1000;
const MAX_HEADER_BYTES = 32 * 1024;

/** The HTTP server towards clients: whatever they send, a checked head is all that gets through. */
export function createListener(options: ListenerOptions): Listener {
  const sockets = new Map<Socket, Latest>();

  function onRequest(req: IncomingMessage, res: ServerResponse): void {
    const head = readHead(req);
    sockets.set(req.socket, res);
    if ("says" in head) return answer(res, head.status, head.says, { close: true });
    tellClient(head, req.socket);
    options.forward(req, res, head);
  }

  function onUpgrade(req: IncomingMessage, socket: Socket, early: Buffer): void {
    const head = readHead(req);
    sockets.set(socket, "upgraded");
    if ("says" in head) return answer(answerOn(req, socket), head.status, head.says);
    tellClient(head, socket);
    options.upgrade(req, socket, early, head);
  }

  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: options.headersMs,
      requestTimeout: 0,
      keepAliveTimeout: options.keepAliveMs,
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
  server.on("clientError", (error, socket: Socket) => {
    onClientError(error, socket, sockets.get(socket));
  });
  server.on("connection", (socket: Socket) => {
    // A client may reset at any time, also when Node has handed the socket over.
    socket.on("error", () => undefined);
    sockets.set(socket, null);
    socket.once("close", () => sockets.delete(socket));
  });

  function cut(everything: boolean): void {
    for (const [socket, latest] of sockets) {
      if (everything || latest === null || (latest !== "upgraded" && latest.closed)) {
        socket.destroy();
      }
    }
  }

  async function close(drainMs: number): Promise<void> {
    const done = new Promise<void>((resolve) => void server.close(() => resolve()));
    // Node closes what is idle after a request; a connection that has sent none yet may be about to.
    const timers = [
      setTimeout(cut, Math.min(SILENT_MS, drainMs), false),
      setTimeout(cut, drainMs, true),
    ];
    await done;
    for (const timer of timers) clearTimeout(timer);
  }

  return { server, connections: () => sockets.size, close };
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
    return answerRaw(
      socket,
      431,
      "Request Header Fields Too Large",
      "At most 32 KB of header were expected.",
    );
  }
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return answerRaw(socket, 408, "Request Timeout", "A whole request head was expected sooner.");
  }
  answerRaw(socket, 400, "Bad Request", "An HTTP/1.1 request was expected.");
}
