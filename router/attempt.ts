import type { Agent, ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { Stream } from "node:stream";
import httpProxy from "http-proxy";
import type { Head } from "./guard.ts";
import { isSoundStatus } from "./headers.ts";
import type { TargetState } from "./table.ts";

/**
 * `unreachable`: nothing of the request was sent. `stale`: a used connection turned out to be
 * closed before any byte of an answer. `broken`: anything else that is not an HTTP answer.
 */
export type Failure = "unreachable" | "stale" | "broken";

/** One try of one request on one target. One of `answered` and `failed` is called, at most once. */
export interface Attempt {
  target: TargetState;
  agent: Agent;
  req: IncomingMessage;
  res: ServerResponse;
  head: Head;
  answered(upstream: IncomingMessage): void;
  failed(why: Failure): void;
}

/** Starts an attempt; the result ends it, whatever it is doing. */
export type Send = (attempt: Attempt) => { abort(): void };

export interface SendOptions {
  connectMs: number;
  /** How long a client may send nothing in the middle of a body. */
  uploadIdleMs: number;
}

const RESET = new Set(["ECONNRESET", "EPIPE"]);
const QUIET = { on: () => undefined, socket: { destroyed: false } };

/**
 * Attempts through http-proxy. It gets a request of our making and keeps its hands off body, path,
 * answer and errors: docs/decisions tells what its own handling of each lets through.
 */
export function createSend({ connectMs, uploadIdleMs }: SendOptions): Send {
  const proxy = httpProxy.createProxyServer({ selfHandleResponse: true, toProxy: true });
  // Its other passes change framing (a chunked DELETE became two requests) and trust X-Forwarded-*.
  const server = proxy as unknown as { webPasses: { name: string }[] };
  server.webPasses = server.webPasses.filter((pass) => pass.name === "stream");

  return function send(attempt) {
    const { target, agent, req, res, head } = attempt;
    let outgoing: ClientRequest | null = null;
    let connected = false;
    let over = false;
    let timer: NodeJS.Timeout | undefined;

    function fail(error: NodeJS.ErrnoException): void {
      if (over) return;
      over = true;
      clearTimeout(timer);
      const stale = outgoing?.reusedSocket === true && RESET.has(error.code ?? "");
      outgoing?.destroy();
      attempt.failed(connected ? (stale ? "stale" : "broken") : "unreachable");
    }

    function start(request: ClientRequest): void {
      outgoing = request;
      // http-proxy would parse the path and squeeze its slashes.
      request.path = head.path;
      request.once("upgrade", (_answer, socket) => {
        socket.on("error", () => undefined);
        socket.destroy();
        fail(new Error("101 to a plain request"));
      });
      request.on("information", ({ statusCode }) => {
        if (statusCode === 101) fail(new Error("101 to a plain request"));
      });
      request.once("response", (upstream) => {
        if (over) return;
        if (!isSoundStatus(upstream.statusCode, upstream.statusMessage)) {
          return fail(new Error("unsound status line"));
        }
        over = true;
        attempt.answered(upstream);
      });
      request.once("socket", (socket) => {
        if (!socket.connecting) return ready(request);
        timer = setTimeout(() => fail(new Error("connect timeout")), connectMs);
        socket.once("connect", () => ready(request));
      });
      if (!head.hasBody) request.end();
    }

    // The body is touched only now, so that a target that cannot be reached costs nothing of it.
    function ready(request: ClientRequest): void {
      clearTimeout(timer);
      connected = true;
      if (!head.hasBody || over) return;
      if (head.expectsContinue) res.writeContinue();
      if (req.readableLength === 0) request.flushHeaders();
      req.socket.setTimeout(uploadIdleMs);
      req.once("end", () => {
        if (!res.writableEnded) req.socket.setTimeout(0);
      });
      req.pipe(request);
    }

    function abort(): void {
      over = true;
      clearTimeout(timer);
      if (outgoing) req.unpipe(outgoing);
      outgoing?.destroy();
    }

    try {
      const ours = { ...QUIET, method: req.method, url: "/", headers: head.fields };
      const body = { pipe: start } as unknown as Stream;
      proxy.web(ours as never, res, { target: target.address, agent, buffer: body }, fail);
    } catch (error) {
      connected = true;
      // Not within the caller's call of send().
      process.nextTick(fail, error);
    }
    return { abort };
  };
}
