import { randomUUID } from "node:crypto";
import type { AccessLog } from "./access-log.ts";
import type { Admit } from "./admission.ts";
import { connectionLine, dateLine, HIGH_WATER, writeAll } from "./answer.ts";
import { UNSOUND, type AnswerHead } from "./answer-head.ts";
import { createAnswerReader } from "./answer-reader.ts";
import { createBody, encode, LAST_CHUNK, UNTIL_CLOSE } from "./body.ts";
import { BROKEN } from "./chunks.ts";
import { chooseTarget, stickyLine, stickyTarget } from "./choose.ts";
import { cameByHttps } from "./claims.ts";
import type { ClientSide } from "./client.ts";
import type { Clock } from "./clock.ts";
import type { ReleaseCounters } from "./contract.ts";
import type { Health } from "./health.ts";
import type { Patience } from "./patience.ts";
import { dropConnection, type Connection } from "./pool.ts";
import { takesHtml, tooLarge, type OwnAnswer, type ReadyPolicy } from "./policy.ts";
import { createFallback, isAsset, type Found } from "./fallback.ts";
import type { RequestHead } from "./request-head.ts";
import type { AppState, TargetState } from "./table.ts";
import { countAnswer } from "./tally.ts";
import { createTunnel } from "./tunnel.ts";

/** Where ACME servers ask (RFC 8555, section 8.3). */
const PROOFS = "/.well-known/acme-challenge/";

/** Times in ms. */
export interface ExchangeOptions {
  /** What the platform answers an ACME server's token at a host with; null when it asked for no such thing. */
  answerFor(host: string, token: string): Promise<string | null>;
  admit: Admit;
  clock: Clock;
  health: Health;
  patience: Patience;
  /** An exchange on this target has ended. */
  ended(target: TargetState): void;
  /** True while the router is closing: answers then carry `Connection: close`. */
  closing(): boolean;
  connectMs: number;
  /** How long a request waits for a target that can be reached, where its app does not say. */
  holdMs: number;
  /** Within this time the app must answer a WebSocket handshake. */
  handshakeMs: number;
  /** How long a client may neither send nor take anything in the middle of a body. */
  stallMs: number;
  log: AccessLog | null;
  /** Whom to ask for what `app` has not; null: nobody. */
  standbyOf(app: AppState): AppState | null;
}

/** What a client's connection calls; one per connection, used for one request after the other. */
export interface ClientExchange {
  start(head: RequestHead): void;
  /** There is more input. */
  more(): void;
  /** The client has taken what was written. */
  drained(): void;
  gone(): void;
  expired(): void;
  /** All that was taken of the client's input is out of this process. */
  sent(): boolean;
}

/**
 * `unreachable`: nothing of the request was sent. `stale`: a used connection turned out to be
 * closed before any byte of an answer. `cut off`: a new one was. `broken`: anything else that is not
 * an HTTP answer.
 */
type Failure = "unreachable" | "stale" | "cut off" | "broken";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** In the log, of a request whose client left before its answer began. */
const CLIENT_LEFT = 499;

/** `aside`: the app's answer waits while the standby is asked for a better one. */
type Phase = "idle" | "admission" | "connecting" | "waiting" | "aside" | "answering" | "spliced";

/** One request: admission, a target, up to a few attempts, one answer. */
export function createExchange(client: ClientSide, options: ExchangeOptions): ClientExchange {
  const { socket } = client;
  const upload = createBody();
  const download = createBody();
  const reader = createAnswerReader();
  const tunnel = createTunnel(socket);
  const fallback = createFallback({ found: takeFound, nothing }, options.ended);
  const exchange = { streaming: false, end };
  const applicant = { host: "", gone: () => phase !== "admission", go, refuse };
  const user = { connected, data, drained: more, over: onOver };
  const parts: Buffer[] = [];
  let phase: Phase = "idle";
  let head: RequestHead;
  let app: AppState;
  let target: TargetState | null = null;
  let connection: Connection | null = null;
  let failed: Set<TargetState> | null = null;
  let retried = false;
  let colour: "blue" | "green" = "blue";
  let release = 0;
  let tally: ReleaseCounters;
  /** `performance.now()` at the request's start. */
  let since = 0;
  let answered = 0;
  let text = "";
  let id = "";
  /** Of the instance that has the request, or had it last. */
  let instance = "";
  /** Bytes of the answer's body. */
  let sent = 0;
  /** The answer goes out in chunks of the router's making. */
  let encoding = false;
  let keepClient = false;
  let keepApp = false;
  /** Reading from the app waits for the client. */
  let stopped = false;
  /** The answer that waits, with the bytes that begin with its head. */
  let kept: { answer: AnswerHead; bytes: Buffer } | null = null;
  /** The app's connection is at its end: by a FIN, or not. */
  let over: "clean" | "broken" | null = null;

  function start(request: RequestHead): void {
    head = request;
    since = performance.now();
    failed = null;
    retried = false;
    text = id = instance = "";
    answered = sent = 0;
    upload.begin(head.length, true, true);
    applicant.host = head.host;
    if (head.path.startsWith(PROOFS)) void prove(head);
    else enter();
  }

  /** An ACME server asks whether a host is ours; what is not meant for the platform is the app's. */
  async function prove(asked: RequestHead): Promise<void> {
    phase = "admission";
    const token = head.path.slice(PROOFS.length);
    const answer = await options.answerFor(head.host, token).catch(() => null);
    if (phase !== "admission" || head !== asked) return;
    if (answer === null) return enter();
    phase = "idle";
    client.answer(200, answer, { method: head.method, close: closesAfter() });
  }

  function enter(): void {
    phase = "admission";
    options.admit(applicant);
  }

  function refuse(status: number, says: string, by: AppState | null = null): void {
    if (by === null) {
      phase = "idle";
      return client.answer(status, says, { method: head.method, close: closesAfter() });
    }
    enterApp(by);
    const html = by.policy?.page(status);
    turnAway({ status, says, ...(html !== undefined && { html }) });
  }

  function enterApp(found: AppState): void {
    app = found;
    colour = app.route?.colour ?? "blue";
    release = app.route?.release ?? 0;
  }

  /** Of a request whose body nobody has read. */
  function closesAfter(): boolean {
    return head.hasBody || head.upgrade || !head.keepAlive;
  }

  /** An answer of the router's own to a request of which the app has seen nothing. */
  function turnAway({ status, says, fields, html }: OwnAnswer): void {
    phase = "idle";
    own(status, says, closesAfter(), pageFor(html), fields);
  }

  function own(status: number, says: string, close: boolean, html?: string, fields?: string): void {
    sent = head.method === "HEAD" ? 0 : (html?.length ?? says.length + 1);
    note(status);
    client.answer(status, says, { method: head.method, close, fields, html });
  }

  function pageFor(html: string | undefined): string | undefined {
    return html !== undefined && takesHtml(head.fields) ? html : undefined;
  }

  function go(found: AppState): void {
    enterApp(found);
    if (app.policy !== null) {
      const away = app.policy.turnAway(head, cameByHttps(head.claims, client.secure));
      if (away !== null) {
        app.turnedAway++;
        return turnAway(away);
      }
    }
    tally = app.tally;
    const stuck = app.policy?.sticky === true ? stickyTarget(app, head, failed) : null;
    target = stuck ?? chooseTarget(app, failed);
    if (target === null) return waitForTarget();
    target.open.add(exchange);
    instance = target.id;
    // What must not be sent twice never rides on a used connection, which may be dead.
    const pooled = head.repeatable && !head.upgrade && !retried;
    connection = pooled ? target.pool.take(user) : null;
    if (connection !== null) return send();
    phase = "connecting";
    expectWithin(options.connectMs);
    connection = target.pool.open(user);
  }

  /** None can be reached now. One may come back in a moment, or the route may change. */
  function waitForTarget(): void {
    failed = null;
    const left = (app.policy?.holdMs ?? options.holdMs) - (performance.now() - since);
    if (left > 0 && options.patience.wait(app, left, again(since))) return expectWithin(0);
    app.counters.refused++;
    countOwn(503);
    refuse(503, `No instance of ${app.name} can be reached.`, app);
  }

  /** For the request that began at `begun`, if it is still there. */
  function again(begun: number): () => void {
    return () => {
      if (phase === "admission" && since === begun) enter();
    };
  }

  function connected(): void {
    if (target?.down === true) options.health.reached(target);
    send();
  }

  function send(): void {
    phase = "waiting";
    reader.begin(head.method === "HEAD");
    expectWithin(head.upgrade ? options.handshakeMs : answerMs());
    if (text === "") text = client.headFor(head, (id = head.claims?.requestId ?? randomUUID()));
    if (!head.hasBody) return void connection?.socket.write(text, "latin1");
    if (head.expectsContinue) socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
    sendBody(text);
  }

  function sendBody(first: string): void {
    const input = client.input();
    parts.length = 0;
    const used = input === null ? 0 : upload.read(input, 0, parts);
    if (used === BROKEN) return badBody(400, "The body is not framed as HTTP/1.1 asks for.");
    const most = app.policy?.maxBodyBytes ?? Infinity;
    if (upload.inChunks() > most) return badBody(413, tooLarge(most).says);
    if (connection) writeAll(connection.socket, first, parts, false);
    expectWithin(upload.whole() ? answerMs() : options.stallMs);
    if (used > 0) client.take(used);
  }

  function badBody(status: number, says: string): void {
    const begun = phase === "answering";
    abandon();
    if (!begun) return own(status, says, true);
    note(answered);
    client.cut();
  }

  /** How long the app may take to its answer's head, once it has the whole request; 0: for ever. */
  function answerMs(): number {
    return phase === "waiting" ? (app.policy?.headersMs ?? 0) : 0;
  }

  /** Something must happen within `ms` (0: at any time), and all within what the policy says. */
  function expectWithin(ms: number): void {
    const left = app.policy === null ? 0 : timeLeft(app.policy);
    client.expectWithin(left > 0 && (ms === 0 || left < ms) ? left : ms);
  }

  /** Of the whole exchange, in ms; 0 when it has no end. */
  function timeLeft({ responseMs }: ReadyPolicy): number {
    if (responseMs === 0 || exchange.streaming) return 0;
    return Math.max(1, responseMs - (performance.now() - since));
  }

  function outOfTime(): boolean {
    const { policy } = app;
    return policy !== null && timeLeft(policy) === 1;
  }

  /** Input from the client, or room towards the app. */
  function more(): void {
    if (connection === null || client.input() === null) return;
    if (connection.socket.writableLength >= HIGH_WATER) return;
    if (phase === "spliced") {
      const input = client.input() as Buffer;
      connection.socket.write(input);
      client.take(input.length);
    } else if (!upload.whole() && (phase === "waiting" || phase === "answering")) {
      sendBody("");
    }
  }

  function drained(): void {
    if (!stopped) return;
    stopped = false;
    expectWithin(upload.whole() ? 0 : options.stallMs);
    connection?.socket.resume();
  }

  function data(bytes: Buffer): boolean {
    if (phase === "answering") return pass(bytes, 0, "");
    if (phase === "spliced") return passFrames(bytes, 0);
    const answer = reader.read(bytes);
    if (answer === UNSOUND) return fail("broken");
    // 100 was answered by the router itself.
    if (reader.informational !== "" && !head.old) socket.write(reader.informational, "latin1");
    if (answer === null) return true;
    if (answer.status === 101) return splice(answer);
    if (answer.status === 404 && askStandby(answer)) return false;
    return relay(answer, reader.bytes);
  }

  /** Whether the standby is asked for an asset that is not here any more. */
  function askStandby(answer: AnswerHead): boolean {
    const standby = isAsset(head) ? options.standbyOf(app) : null;
    if (standby === null || !fallback.ask(standby, text)) return false;
    kept = { answer, bytes: Buffer.from(reader.bytes) };
    over = null;
    phase = "aside";
    expectWithin(0);
    return true;
  }

  function takeFound({
    standby,
    target: other,
    connection: better,
    answer,
    bytes,
  }: Found): boolean {
    leaveTarget();
    enterApp(standby);
    tally = app.tally;
    target = other;
    instance = other.id;
    other.open.add(exchange);
    connection = better;
    connection.user = user;
    return relay(answer, bytes);
  }

  /** The standby has it neither: the app's own answer goes on. */
  function nothing(): void {
    if (phase !== "aside" || kept === null) return;
    const { answer, bytes } = kept;
    phase = "waiting";
    const ready = relay(answer, bytes);
    // The compiler does not see that `relay` changes it.
    if ((phase as Phase) !== "answering") return;
    if (over !== null) onOver(over === "clean");
    else if (ready) connection?.socket.resume();
  }

  function relay(answer: AnswerHead, bytes: Buffer): boolean {
    let { lines } = answer;
    answered = answer.status;
    let close = options.closing() || !head.keepAlive || !upload.whole() || head.upgrade;
    encoding = false;
    if (answer.length < 0 && head.old) {
      close = true;
    } else if (answer.length < 0) {
      // A stream's end may have to be put behind any piece of it.
      encoding = answer.length === UNTIL_CLOSE || answer.eventStream;
      lines += "Transfer-Encoding: chunked\r\n";
      if (head.trailers && answer.trailer !== "") lines += `Trailer: ${answer.trailer}\r\n`;
    }
    download.begin(answer.length, !encoding && !head.old, head.trailers);
    if (!answer.hasDate) lines += dateLine();
    exchange.streaming = answer.eventStream && (encoding || head.old);
    keepClient = !close;
    keepApp = answer.keepAlive;
    lines += stickyField() + hstsField(lines);
    if (app.policy !== null) expectWithin(upload.whole() ? 0 : options.stallMs);
    return pass(bytes, answer.size, `${lines}${connectionLine(close)}\r\n`);
  }

  /** None where the app says it itself, or the client has no TLS to keep to. */
  function hstsField(lines: string): string {
    const hsts = app.policy?.hsts ?? "";
    if (hsts === "" || !cameByHttps(head.claims, client.secure)) return "";
    return /\nstrict-transport-security:/i.test(lines) ? "" : hsts;
  }

  function stickyField(): string {
    // One that has left the route is not to be stayed with.
    if (app.policy?.sticky !== true || target?.current !== true) return "";
    return stickyLine(head, target, cameByHttps(head.claims, client.secure));
  }

  /** Passes a piece of the answer on, from `at`, behind its head if that is not sent yet. */
  function pass(bytes: Buffer, at: number, first: string): boolean {
    parts.length = 0;
    const used = download.read(bytes, at, parts);
    if (used === BROKEN) return first === "" ? cut() : fail("broken");
    sent += used - at;
    const whole = download.whole();
    if (encoding) encode(parts, whole, download.trailers());
    if (first !== "") {
      phase = "answering";
      countServed(answered);
    }
    passOn(first);
    if (whole) {
      finish(used === bytes.length);
      return true;
    }
    return goOn();
  }

  /** Writes the parts to the client; without a copy, where the buffer that they lie in is the connection's own. */
  function passOn(first: string): void {
    const lent = writeAll(socket, first, parts, connection?.owns !== true);
    if (lent && socket.writableLength > 0) connection?.renew();
  }

  /** False when the app has to wait for the client. */
  function goOn(): boolean {
    if (socket.writableLength < HIGH_WATER) return true;
    stopped = true;
    expectWithin(options.stallMs);
    return false;
  }

  function countServed(as: number): void {
    const { served } = app.counters;
    served[release] = (served[release] ?? 0) + 1;
    if (exchange.streaming) tally.streams++;
    count(as);
  }

  function count(as: number): void {
    countAnswer(tally, as, performance.now() - since);
  }

  function countOwn(as: 502 | 503 | 504): void {
    tally.own[as]++;
    count(as);
  }

  /** The request at hand has its answer, or will have none. */
  function note(status: number): void {
    if (options.log === null || !app.logs) return;
    const ms = performance.now() - since;
    const { method, path } = head;
    options.log.add(app.name, {
      colour,
      release,
      id,
      method,
      path,
      status,
      ms,
      bytes: sent,
      instance,
    });
  }

  /** The answer is whole. `inStep`: nothing came behind it. */
  function finish(inStep: boolean): void {
    note(answered);
    if (connection !== null) {
      if (inStep && keepApp && upload.whole()) target?.pool.give(connection);
      else dropConnection(connection);
    }
    connection = null;
    abandon();
    client.done(keepClient);
  }

  /** Gives up connection and target. */
  function abandon(): void {
    if (phase === "aside") fallback.stop();
    phase = "idle";
    stopped = false;
    kept = null;
    leaveTarget();
  }

  function leaveTarget(): void {
    if (connection !== null) dropConnection(connection);
    connection = null;
    if (target === null) return;
    const left = target;
    target = null;
    left.open.delete(exchange);
    exchange.streaming = false;
    options.ended(left);
  }

  function onOver(clean: boolean): void {
    if (phase === "aside") {
      over = clean ? "clean" : "broken";
    } else if (phase === "spliced") {
      note(101);
      abandon();
      client.done(false);
    } else if (phase === "answering" && download.untilClose() && clean) {
      if (encoding) socket.write(LAST_CHUNK, "latin1");
      finish(false);
    } else if (phase === "answering") {
      cut();
    } else if (phase === "connecting") {
      fail("unreachable");
    } else {
      fail(!reader.unheard() ? "broken" : connection?.reused === true ? "stale" : "cut off");
    }
  }

  function fail(why: Failure): boolean {
    const on = target as TargetState;
    abandon();
    if (why === "unreachable") {
      if (!on.down && hasOther(on)) app.ejections++;
      options.health.failed(on);
      (failed ??= new Set()).add(on);
      enter();
    } else if (!retried && mayRepeat(why, on)) {
      retried = true;
      if (hasOther(on)) (failed ??= new Set()).add(on);
      app.counters.retried++;
      enter();
    } else {
      lose(502, "The app's answer was not HTTP, or it broke off.");
    }
    return true;
  }

  /** The app may have died with a request on its way to it; what asks and changes nothing may ask another. */
  function mayRepeat(why: Failure, on: TargetState): boolean {
    if (why === "stale") return head.repeatable;
    return why === "cut off" && head.repeatable && SAFE.has(head.method) && hasOther(on);
  }

  function hasOther(than: TargetState): boolean {
    return app.targets.some((each) => each !== than && !each.down);
  }

  function lose(as: 502 | 504, says: string): void {
    app.counters.lost++;
    countOwn(as);
    own(as, says, true, pageFor(app.policy?.page(as)));
  }

  function cut(): boolean {
    note(answered);
    abandon();
    app.counters.lost++;
    tally.cut++;
    client.cut();
    return true;
  }

  function splice(answer: AnswerHead): boolean {
    if (!head.upgrade || answer.upgrade.toLowerCase() !== "websocket") return fail("broken");
    phase = "spliced";
    exchange.streaming = true;
    countServed(101);
    expectWithin(0);
    if (connection) tunnel.open(connection.socket, answer.lines + stickyField());
    more();
    return passFrames(reader.bytes, answer.size);
  }

  function passFrames(bytes: Buffer, at: number): boolean {
    sent += bytes.length - at;
    tunnel.down(bytes, at);
    return goOn();
  }

  /** The target has to stop: a stream is ended as politely as its protocol can, the rest is cut. */
  function end(): void {
    if (phase === "spliced") {
      note(101);
      tunnel.sayGoingAway();
      letApp();
      client.done(false);
    } else if (exchange.streaming) {
      note(answered);
      abandon();
      if (encoding) socket.write(LAST_CHUNK, "latin1");
      client.done(keepClient && encoding);
    } else if (phase === "answering") {
      cut();
    } else {
      abandon();
      lose(504, "The app did not answer before its instance had to stop.");
    }
  }

  /** Gives a WebSocket's app what was written to it, and ends it. */
  function letApp(): void {
    const last = connection;
    connection = null;
    abandon();
    if (last === null) return;
    last.user = null;
    last.socket.destroySoon();
  }

  function gone(): void {
    if (phase === "idle") return;
    if (phase !== "admission") note(phase === "spliced" ? 101 : answered || CLIENT_LEFT);
    if (phase === "spliced") letApp();
    else abandon();
  }

  function expired(): void {
    const late = phase === "waiting" && !head.upgrade && upload.whole();
    const begun = phase === "answering" || phase === "spliced";
    if (late || (!begun && outOfTime())) {
      abandon();
      lose(504, "The app did not answer in time.");
    } else if (phase === "connecting") {
      fail("unreachable");
    } else if (phase === "waiting" && head.upgrade) {
      fail("broken");
    } else if (phase === "aside") {
      fallback.stop();
      nothing();
    } else if (phase === "answering" && outOfTime()) {
      cut();
    } else if (phase === "waiting") {
      abandon();
      own(408, "More of the body was expected sooner.", true);
    } else if (phase !== "idle") {
      note(answered);
      abandon();
      client.cut();
    }
  }

  const sentOn = () => connection !== null && connection.socket.writableLength === 0;
  return { start, more, drained, gone, expired, sent: sentOn };
}
