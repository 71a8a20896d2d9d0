import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import type Koa from "koa";
import type { Context } from "koa";
import { type WebSocket, WebSocketServer } from "ws";
import { MOST_MESSAGE } from "../run-protocol.ts";

/** What a route answers with that goes on as a WebSocket. */
export class Upgrade {
  readonly take: (client: WebSocket) => void;

  constructor(take: (client: WebSocket) => void) {
    this.take = take;
  }
}

const HEAD = Symbol("what came with the request's head");
const sockets = new WebSocketServer({
  noServer: true,
  maxPayload: MOST_MESSAGE,
  perMessageDeflate: false,
});

/** Is it a request for a WebSocket? All others are served as if nobody had asked. */
export function wantsUpgrade({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/**
 * Lets a request for a WebSocket go the way of all requests: who asks, may they, what is wrong with
 * it. A refusal is an ordinary answer, after which the connection is closed.
 */
export function takeUpgrades(
  api: ReturnType<Koa["callback"]>,
): (req: IncomingMessage, socket: Duplex, head: Buffer) => void {
  return (req, socket, head) => {
    socket.on("error", () => {});
    Reflect.set(req, HEAD, head);
    const response = new ServerResponse(req);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    response.once("finish", () => socket.end());
    void api(req, response);
  };
}

/** Goes on as a WebSocket; the request has been found good. */
export function upgrade(ctx: Context, { take }: Upgrade): void {
  const { req, res } = ctx;
  ctx.respond = false;
  ctx.status = 101;
  res.detachSocket(req.socket);
  sockets.handleUpgrade(req, req.socket, Reflect.get(req, HEAD) as Buffer, take);
}
