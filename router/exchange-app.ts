import type { AnswerHead } from "./answer-head.ts";
import { UNSOUND } from "./answer-head.ts";
import { LAST_CHUNK } from "./body.ts";
import { finish, pass, relay } from "./exchange-answer.ts";
import { fail } from "./exchange-fail.ts";
import { note } from "./exchange-note.ts";
import { abandon, cut, leaveTarget } from "./exchange-own.ts";
import { enterApp } from "./exchange-start.ts";
import type { Exchange } from "./exchange-state.ts";
import { expectWithin } from "./exchange-time.ts";
import { passFrames, splice } from "./exchange-upgrade.ts";
import { isAsset, type Found } from "./fallback.ts";

/** Bytes from the app. False when it has to wait. */
export function data(x: Exchange, bytes: Buffer): boolean {
  const { reader, head } = x;
  if (x.phase === "answering") return pass(x, bytes, 0, "");
  if (x.phase === "spliced") return passFrames(x, bytes, 0);
  const answer = reader.read(bytes);
  if (answer === UNSOUND) return fail(x, "broken");
  // 100 was answered by the router itself.
  if (reader.informational !== "" && head.informs) x.client.inform(reader.informational);
  if (answer === null) return true;
  if (answer.status === 101) return splice(x, answer);
  if (answer.status === 404 && askStandby(x, answer)) return false;
  return relay(x, answer, reader.bytes);
}

/** Whether the standby is asked for an asset that is not here any more. */
function askStandby(x: Exchange, answer: AnswerHead): boolean {
  const standby = isAsset(x.head) ? x.options.standbyOf(x.app) : null;
  if (standby === null || !x.fallback.ask(standby, x.text)) return false;
  x.kept = { answer, bytes: Buffer.from(x.reader.bytes) };
  x.over = null;
  x.phase = "aside";
  expectWithin(x, 0);
  return true;
}

/** The standby has it: its answer takes the place of the app's. */
export function takeFound(x: Exchange, found: Found): boolean {
  leaveTarget(x);
  enterApp(x, found.standby);
  x.target = found.target;
  x.instance = found.target.id;
  found.target.open.add(x);
  x.connection = found.connection;
  found.connection.user = x.user;
  return relay(x, found.answer, found.bytes);
}

/** The standby has it neither: the app's own answer goes on. */
export function nothing(x: Exchange): void {
  if (x.phase !== "aside" || x.kept === null) return;
  const { answer, bytes } = x.kept;
  x.phase = "waiting";
  const ready = relay(x, answer, bytes);
  if (!isAnswering(x)) return;
  if (x.over !== null) over(x, x.over === "clean");
  else if (ready) x.connection?.socket.resume();
}

function isAnswering({ phase }: Exchange): boolean {
  return phase === "answering";
}

/** The app's connection is at its end; `clean` by a FIN. */
export function over(x: Exchange, clean: boolean): void {
  const { phase, reader } = x;
  if (phase === "aside") {
    x.over = clean ? "clean" : "broken";
  } else if (phase === "spliced") {
    note(x, 101);
    abandon(x);
    x.client.done(false, "");
  } else if (phase === "answering" && x.download.untilClose() && clean) {
    if (x.encoding) x.socket.write(LAST_CHUNK, "latin1");
    finish(x, false);
  } else if (phase === "answering") {
    cut(x);
  } else if (phase === "connecting") {
    fail(x, "unreachable");
  } else {
    fail(x, !reader.unheard() ? "broken" : x.connection?.reused === true ? "stale" : "cut off");
  }
}
