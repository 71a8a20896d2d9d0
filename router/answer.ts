import { ServerResponse, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";

/** An answer of the router's own, one sentence as plain text. Does nothing once a head was sent. */
export function answer(
  res: ServerResponse,
  status: number,
  says: string,
  { close = false }: { close?: boolean } = {},
): void {
  if (res.headersSent || res.destroyed) return;
  if (close) res.shouldKeepAlive = false;
  const body = `${says}\n`;
  res.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    ...(status === 503 ? { "retry-after": "1" } : {}),
  });
  res.end(body);
}

/**
 * A plain HTTP answer on a socket that asked for an upgrade. The connection is closed after it:
 * whatever the client sent next was not meant for an HTTP parser.
 */
export function answerOn(req: IncomingMessage, socket: Socket): ServerResponse {
  const res = new ServerResponse(req);
  res.shouldKeepAlive = false;
  res.assignSocket(socket);
  // Node forwards this only for requests that its server still owns.
  socket.on("drain", () => res.emit("drain"));
  res.once("finish", () => {
    res.detachSocket(socket);
    closeSoon(socket);
  });
  return res;
}

const LINGER_MS = 2000;

/** Ends our side, throws away what still comes, and gives the other side a moment to end its own. */
function closeSoon(socket: Socket): void {
  socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("end", () => socket.destroySoon());
  socket.once("close", () => clearTimeout(timer));
}

/** An answer for bytes that were no request. */
export function answerRaw(socket: Socket, status: number, reason: string, says: string): void {
  if (!socket.writable) return void socket.destroy();
  const body = `${says}\n`;
  socket.write(
    `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\n` +
      `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  closeSoon(socket);
}
