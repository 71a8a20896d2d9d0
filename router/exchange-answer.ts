import { connectionLine, dateLine, empty, HIGH_WATER, writeAll } from "./answer.ts";
import type { AnswerHead } from "./answer-head.ts";
import { encode, UNTIL_CLOSE } from "./body.ts";
import { BROKEN } from "./chunks.ts";
import { stickyLine } from "./choose.ts";
import { cameByHttps } from "./claims.ts";
import { fail } from "./exchange-fail.ts";
import { countServed, note } from "./exchange-note.ts";
import { abandon, cut } from "./exchange-own.ts";
import type { Exchange } from "./exchange-state.ts";
import { expectWithin } from "./exchange-time.ts";
import { dropConnection } from "./pool.ts";

/** An answer's head, and what of its body came with it. False when the app has to wait. */
export function relay(x: Exchange, answer: AnswerHead, bytes: Buffer): boolean {
  const { head, upload } = x;
  x.answered = answer.status;
  const close =
    (answer.length < 0 && head.old) ||
    x.options.closing() ||
    !head.keepAlive ||
    !upload.whole() ||
    head.upgrade;
  // A stream's end may have to be put behind any piece of it.
  x.encoding =
    answer.length < 0 && !head.old && (answer.length === UNTIL_CLOSE || answer.eventStream);
  x.download.begin(answer.length, !x.encoding && !head.old, head.trailers);
  x.streaming = answer.eventStream && (x.encoding || head.old);
  x.keepClient = !close;
  x.keepApp = answer.keepAlive;
  const lines = fieldsFor(x, answer);
  if (x.app.policy !== null) expectWithin(x, upload.whole() ? 0 : x.options.stallMs);
  return pass(x, bytes, answer.size, `${lines}${connectionLine(close)}\r\n`);
}

/** The app's own lines, and what the router has to say in the answer's head. */
function fieldsFor(x: Exchange, answer: AnswerHead): string {
  const { head } = x;
  let { lines } = answer;
  if (answer.length < 0) {
    if (!head.old) lines += "Transfer-Encoding: chunked\r\n";
    if (head.trailers && answer.trailer !== "") lines += `Trailer: ${answer.trailer}\r\n`;
  }
  if (!answer.hasDate) lines += dateLine();
  return x.app.policy === null ? lines : lines + stickyField(x) + hstsField(x, lines);
}

/** None where the app says it itself, or the client has no TLS to keep to. */
function hstsField({ app, head, client }: Exchange, lines: string): string {
  const hsts = app.policy?.hsts ?? "";
  if (hsts === "" || !cameByHttps(head.claims, client.secure)) return "";
  return /\nstrict-transport-security:/i.test(lines) ? "" : hsts;
}

export function stickyField({ app, head, client, target }: Exchange): string {
  // One that has left the route is not to be stayed with.
  if (app.policy?.sticky !== true || target?.current !== true) return "";
  return stickyLine(head, target, cameByHttps(head.claims, client.secure));
}

/** Passes a piece of the answer on, from `at`, behind its head if that is not sent yet. */
export function pass(x: Exchange, bytes: Buffer, at: number, first: string): boolean {
  const { parts, download } = x;
  empty(parts);
  const used = download.read(bytes, at, parts);
  if (used === BROKEN) return first === "" ? cut(x) : fail(x, "broken");
  x.sent += used - at;
  const whole = download.whole();
  if (x.encoding) encode(parts, whole, download.trailers());
  if (first !== "") {
    x.phase = "answering";
    countServed(x, x.answered);
  }
  passOn(x, first);
  if (!whole) return goOn(x);
  finish(x, used === bytes.length);
  return true;
}

/** Writes the parts to the client; without a copy, where the buffer that they lie in is the connection's own. */
function passOn({ socket, parts, connection }: Exchange, first: string): void {
  const lent = writeAll(socket, first, parts, connection?.owns !== true);
  if (lent && socket.writableLength > 0) connection?.renew();
}

/** False when the app has to wait for the client. */
export function goOn(x: Exchange): boolean {
  if (x.socket.writableLength < HIGH_WATER) return true;
  x.stopped = true;
  expectWithin(x, x.options.stallMs);
  return false;
}

/** The answer is whole. `inStep`: nothing came behind it. */
export function finish(x: Exchange, inStep: boolean): void {
  const { connection } = x;
  note(x, x.answered);
  if (connection !== null) {
    if (inStep && x.keepApp && x.upload.whole()) x.target?.pool.give(connection);
    else dropConnection(connection);
  }
  x.connection = null;
  abandon(x);
  x.client.done(x.keepClient, x.download.trailers());
}
