import { Agent, type IncomingMessage, type ServerResponse } from "node:http";
import type { Admit } from "./admission.ts";
import { answer } from "./answer.ts";
import { createSend, type Failure, type SendOptions } from "./attempt.ts";
import type { Head } from "./guard.ts";
import { answerFields } from "./headers.ts";
import { chooseTarget, type AppState, type TargetState } from "./table.ts";

export interface ProxyOptions extends SendOptions {
  admit: Admit;
  /** An exchange on this target has ended. */
  ended(target: TargetState): void;
  /** True while the router is closing: answers then carry `Connection: close`. */
  closing(): boolean;
}

export type Forward = (req: IncomingMessage, res: ServerResponse, head: Head) => void;

const LINGER_MS = 5000;

/** Plain requests: admission, a target, up to a few attempts, one answer. */
export function createProxy(options: ProxyOptions): Forward {
  const send = createSend(options);
  // For what must not be sent twice: a used connection may be dead, a fresh one is not.
  const fresh = new Agent({ keepAlive: false });

  return function forward(req, res, head) {
    let app: AppState;
    let target: TargetState | null = null;
    let attempt: { abort(): void } | null = null;
    let failed: Set<TargetState> | null = null;
    let retried = false;
    let ending = false;
    const exchange = { streaming: false, end };
    const applicant = { host: head.host, gone: () => res.closed, go, refuse };

    res.once("close", () => {
      leave();
      if (!res.writableFinished || !req.complete) attempt?.abort();
    });
    options.admit(applicant);

    function refuse(status: number, says: string): void {
      answer(res, status, says, { close: head.hasBody || options.closing() });
    }

    function go(found: AppState): void {
      app = found;
      const chosen = chooseTarget(app, failed);
      if (chosen === null) {
        app.counters.refused++;
        return refuse(503, `No instance of ${app.name} can be reached.`);
      }
      target = chosen;
      target.open.add(exchange);
      const release = app.route?.release ?? 0;
      attempt = send({
        target,
        agent: retried || !head.repeatable ? fresh : target.agent,
        req,
        res,
        head,
        answered: (upstream) => relay(upstream, release),
        failed: (why) => again(why, chosen),
      });
    }

    function leave(): void {
      if (target === null) return;
      target.open.delete(exchange);
      options.ended(target);
      target = null;
    }

    function again(why: Failure, on: TargetState): void {
      if (res.closed) return;
      leave();
      if (why === "unreachable") {
        (failed ??= new Set()).add(on);
        options.admit(applicant);
      } else if (why === "stale" && head.repeatable && !retried) {
        retried = true;
        app.counters.retried++;
        options.admit(applicant);
      } else {
        lose(502, "The app's answer was not HTTP, or it broke off.");
      }
    }

    function lose(status: 502 | 504, says: string): void {
      app.counters.lost++;
      answer(res, status, says, { close: true });
    }

    function relay(upstream: IncomingMessage, release: number): void {
      const status = upstream.statusCode as number;
      const { served } = app.counters;
      upstream.on("error", () => {
        if (!ending) cut();
      });
      if (options.closing()) res.shouldKeepAlive = false;
      try {
        res.writeHead(status, upstream.statusMessage, answerFields(upstream.rawHeaders, status));
      } catch {
        attempt?.abort();
        return lose(502, "The app's answer was not HTTP.");
      }
      served[release] = (served[release] ?? 0) + 1;
      exchange.streaming =
        upstream.headers["content-type"]?.startsWith("text/event-stream") ?? false;
      if (!req.complete) res.once("finish", stopUpload);
      // By the next tick a body that came along with the head is here, and goes out in one write.
      process.nextTick(() => {
        if (upstream.readableLength === 0 && !upstream.complete) res.flushHeaders();
        upstream.pipe(res);
      });
    }

    function cut(): void {
      if (res.closed || res.writableEnded) return;
      app.counters.lost++;
      attempt?.abort();
      res.destroy();
    }

    function end(): void {
      if (exchange.streaming) {
        ending = true;
        attempt?.abort();
        res.end();
      } else if (res.headersSent) {
        cut();
      } else {
        attempt?.abort();
        lose(504, "The app did not answer before its instance had to stop.");
      }
    }

    // The app answered before it had read all: what still comes is thrown away, for a while.
    function stopUpload(): void {
      if (req.complete) return;
      attempt?.abort();
      req.resume();
      const timer = setTimeout(() => req.socket.destroy(), LINGER_MS);
      req.once("close", () => clearTimeout(timer));
    }
  };
}
