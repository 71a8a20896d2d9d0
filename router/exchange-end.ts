import { LAST_CHUNK } from "./body.ts";
import { nothing } from "./exchange-app.ts";
import { fail } from "./exchange-fail.ts";
import { countFailed, note } from "./exchange-note.ts";
import { abandon, cut, lose, own } from "./exchange-own.ts";
import type { Exchange } from "./exchange-state.ts";
import { expectWithin, outOfTime } from "./exchange-time.ts";
import { letApp } from "./exchange-upgrade.ts";

/** In the log, of a request whose client left before its answer began. */
const CLIENT_LEFT = 499;

/** The client has taken what was written. */
export function drained(x: Exchange): void {
  if (!x.stopped) return;
  x.stopped = false;
  expectWithin(x, x.upload.whole() ? 0 : x.options.stallMs);
  x.connection?.socket.resume();
}

/** The target has to stop: a stream is ended as politely as its protocol can, the rest is cut. */
export function end(x: Exchange): void {
  const { client, phase } = x;
  if (phase === "spliced") {
    note(x, 101);
    x.tunnel.sayGoingAway();
    letApp(x);
    client.done(false, "");
  } else if (x.streaming) {
    note(x, x.answered);
    abandon(x);
    if (x.encoding) x.socket.write(LAST_CHUNK, "latin1");
    client.done(x.keepClient && x.encoding, "");
  } else if (phase === "answering") {
    cut(x);
  } else {
    abandon(x);
    lose(x, 504, "The app did not answer before its instance had to stop.");
  }
}

/** The client has left. */
export function gone(x: Exchange): void {
  const { phase } = x;
  if (phase === "idle") return;
  if (phase !== "admission") note(x, phase === "spliced" ? 101 : x.answered || CLIENT_LEFT);
  if (phase === "spliced") letApp(x);
  else abandon(x);
}

/** What was expected has not happened in time. */
export function expired(x: Exchange): void {
  const { phase, head } = x;
  const late = phase === "waiting" && !head.upgrade && x.upload.whole();
  const begun = phase === "answering" || phase === "spliced";
  if (phase === "idle") return;
  if (late || (!begun && outOfTime(x))) {
    // With the body not there yet, it is the client who is late.
    if (x.upload.whole()) countFailed(x);
    abandon(x);
    lose(x, 504, "The app did not answer in time.");
  } else if (phase === "connecting") {
    fail(x, "unreachable");
  } else if (phase === "waiting" && head.upgrade) {
    fail(x, "broken");
  } else if (phase === "aside") {
    x.fallback.stop();
    nothing(x);
  } else if (phase === "answering" && outOfTime(x)) {
    cut(x);
  } else if (phase === "waiting") {
    abandon(x);
    own(x, { status: 408, says: "More of the body was expected sooner." }, true);
  } else {
    note(x, x.answered);
    abandon(x);
    x.client.cut();
  }
}
