import { request, type ClientRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Admit } from "./admission.ts";
import { answer, answerOn } from "./answer.ts";
import { createFrameTracker, GOING_AWAY } from "./frames.ts";
import type { Head } from "./guard.ts";
import { answerFields, isSoundStatus } from "./headers.ts";
import { chooseTarget, type AppState, type TargetState } from "./table.ts";

export interface UpgradeOptions {
  admit: Admit;
  ended(target: TargetState): void;
  connectMs: number;
  /** Within this time the app must answer a handshake. */
  handshakeMs: number;
}

export type Upgrade = (req: IncomingMessage, socket: Socket, early: Buffer, head: Head) => void;

const LINGER_MS = 2000;

/**
 * WebSockets. Not with http-proxy's own `ws()`: it dies of a reset before the 101, and an answer
 * that is not a 101 leaves the client's connection out of step.
 */
export function createUpgrade(options: UpgradeOptions): Upgrade {
  return function upgrade(req, socket, early, head) {
    let app: AppState;
    let target: TargetState | null = null;
    let outgoing: ClientRequest | null = null;
    let failed: Set<TargetState> | null = null;
    let answered = false;
    let finish = (): void => {
      socket.destroy();
    };
    const exchange = { streaming: true, end: () => finish() };

    socket.once("close", () => {
      leave();
      outgoing?.destroy();
    });
    const applicant = { host: head.host, gone: () => socket.destroyed, go, refuse };
    options.admit(applicant);

    function refuse(status: number, says: string): void {
      answered = true;
      leave();
      if (!socket.destroyed) answer(answerOn(req, socket), status, says);
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
      shake(chosen, app.route?.release ?? 0);
    }

    function leave(): void {
      if (target === null) return;
      target.open.delete(exchange);
      options.ended(target);
      target = null;
    }

    function shake(to: TargetState, release: number): void {
      let connected = false;
      let over = false;
      const headers = { ...head.fields, connection: "Upgrade", upgrade: "websocket" };
      const { host, port } = to.address;
      const shaking = request({ host, port, path: head.path, headers, agent: false });
      outgoing = shaking;
      let timer = setTimeout(fail, options.connectMs);

      function fail(): void {
        if (over || answered) return;
        over = true;
        clearTimeout(timer);
        shaking.destroy();
        leave();
        if (socket.destroyed) return;
        if (connected) {
          app.counters.lost++;
          return refuse(
            502,
            "The app's answer to a WebSocket handshake was not HTTP, or broke off.",
          );
        }
        (failed ??= new Set()).add(to);
        options.admit(applicant);
      }

      shaking.once("socket", (upstream) => {
        upstream.once("connect", () => {
          connected = true;
          clearTimeout(timer);
          timer = setTimeout(fail, options.handshakeMs);
        });
      });
      shaking.on("error", fail);
      shaking.on("information", ({ statusCode }) => {
        if (statusCode === 101) fail();
      });
      shaking.once("response", (reply) => {
        clearTimeout(timer);
        if (over || !isSoundStatus(reply.statusCode, reply.statusMessage)) return fail();
        over = true;
        relay(reply, release);
      });
      shaking.once("upgrade", (reply, upstream: Socket, first) => {
        clearTimeout(timer);
        upstream.on("error", () => upstream.destroy());
        const text = switching(reply);
        if (over || text === null || socket.destroyed) {
          upstream.destroy();
          return fail();
        }
        over = answered = true;
        count(release);
        splice(text, upstream, first);
      });
      shaking.end();
    }

    function count(release: number): void {
      const { served } = app.counters;
      served[release] = (served[release] ?? 0) + 1;
    }

    /** The app does not want a WebSocket here: its answer, as any other. */
    function relay(from: IncomingMessage, release: number): void {
      answered = true;
      const res = answerOn(req, socket);
      const status = from.statusCode as number;
      from.on("error", () => socket.destroy());
      try {
        res.writeHead(status, from.statusMessage, answerFields(from.rawHeaders, status));
      } catch {
        outgoing?.destroy();
        app.counters.lost++;
        return answer(res, 502, "The app's answer was not HTTP.");
      }
      count(release);
      from.pipe(res);
    }

    function splice(text: string, upstream: Socket, first: Buffer): void {
      const frames = createFrameTracker();
      for (const side of [socket, upstream]) {
        side.setTimeout(0);
        side.setNoDelay(true);
        side.setKeepAlive(true, 60_000);
      }
      socket.write(text, "latin1");
      if (first.length > 0) upstream.unshift(first);
      if (early.length > 0) socket.unshift(early);
      upstream.on("data", (chunk: Buffer) => frames.push(chunk));
      upstream.pipe(socket);
      socket.pipe(upstream);
      upstream.once("close", () => socket.destroySoon());
      socket.once("close", () => upstream.destroySoon());
      finish = () => {
        upstream.unpipe(socket);
        socket.unpipe(upstream);
        socket.resume();
        if (frames.atBoundary()) socket.write(GOING_AWAY);
        socket.end();
        upstream.end();
        setTimeout(() => socket.destroy(), LINGER_MS).unref();
      };
    }
  };
}

/** The head of a 101 for the client; null when the app's is not one for a WebSocket. */
function switching(reply: IncomingMessage): string | null {
  if (reply.headers.upgrade?.toLowerCase() !== "websocket") return null;
  const fields = answerFields(reply.rawHeaders, 101);
  let text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
  for (let i = 0; i < fields.length; i += 2) {
    const line = `${fields[i]}: ${fields[i + 1]}`;
    if (/[^\t\x20-\x7e\x80-\xff]/.test(line)) return null;
    text += `${line}\r\n`;
  }
  return `${text}\r\n`;
}
