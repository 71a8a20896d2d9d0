import {
  constants,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Client, ClientOptions } from "./client.ts";
import { createHeadMaker } from "./head-maker.ts";
import { createStreamClient, type StreamClient, type StreamSide } from "./http2-stream.ts";
import { createRoster } from "./roster.ts";

/**
 * What one connection may cost. Beyond these nghttp2 ends it with GOAWAY; it also bounds CONTINUATION
 * frames of one head (8) and answers to PING and SETTINGS that the client does not take (1,000).
 */
const SESSION = {
  maxSessionMemory: 16,
  maxHeaderListPairs: 520,
  maxSettings: 16,
  maxOutstandingPings: 4,
  maxSessionInvalidFrames: 50,
  maxSessionRejectedStreams: 50,
  /** Resets by the client: so many at once, and so many more each second. */
  streamResetBurst: 200,
  streamResetRate: 20,
  /** What an app says is passed on as it is. */
  strictSingleValueFields: false,
  settings: {
    enablePush: false,
    maxConcurrentStreams: 100,
    maxHeaderListSize: 32_768,
    initialWindowSize: 262_144,
  },
} as const;

const LINGER_MS = 2000;

/** An HTTP/2 client: a connection with many requests at once. */
export function createHttp2Client(
  socket: TLSSocket,
  options: ClientOptions,
  servername: string,
): Client {
  const { clock, closing } = options;
  const source = options.trust.sourceOf(socket);
  const headFor = createHeadMaker(source, options.trust, true);
  const side: StreamSide = { options, servername, source, headFor };
  const streams = createRoster<StreamClient>();
  const session: ServerHttp2Session = performServerHandshake(socket, SESSION);
  const self: Client = { place: -1, sweep, cut };
  /** Of a connection without a request. */
  let deadline = clock.now() + options.keepAliveMs;

  // A client may break the protocol, or go, at any time.
  session.on("error", () => undefined);
  session.on("close", () => {
    socket.destroy();
    options.closed(self);
  });
  session.on("stream", onStream);

  function onStream(
    stream: ServerHttp2Stream,
    _headers: object,
    flags: number,
    raw: readonly string[],
  ): void {
    const ended = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const client = createStreamClient(stream, { raw, ended }, side);
    streams.add(client);
    stream.on("close", () => {
      streams.delete(client);
      if (streams.size === 0) deadline = clock.now() + options.keepAliveMs;
    });
  }

  function sweep(now: number): void {
    for (const stream of streams.all()) stream.sweep(now);
    // Streams that are open go on, and the client opens no new ones here.
    if (closing()) session.close();
    if (streams.size > 0 || now < deadline) return;
    if (session.closed) return destroy();
    session.close();
    deadline = now + LINGER_MS;
  }

  function cut(which: "idle" | "any"): void {
    if (which === "any" || streams.size === 0) destroy();
  }

  /** A session that was to close by itself would wait for a client that takes nothing. */
  function destroy(): void {
    session.destroy();
    socket.destroy();
  }

  return self;
}
