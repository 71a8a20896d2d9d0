import type { AnswerHead } from "./answer-head.ts";
import { goOn, stickyField } from "./exchange-answer.ts";
import { fail } from "./exchange-fail.ts";
import { countServed } from "./exchange-note.ts";
import { abandon } from "./exchange-own.ts";
import { more } from "./exchange-request.ts";
import type { Exchange } from "./exchange-state.ts";
import { expectWithin } from "./exchange-time.ts";

/** The app answered 101: from here on bytes pass both ways, as WebSocket frames. */
export function splice(x: Exchange, answer: AnswerHead): boolean {
  if (!x.head.upgrade || answer.upgrade.toLowerCase() !== "websocket") return fail(x, "broken");
  const { bytes } = x.reader;
  x.phase = "spliced";
  x.streaming = true;
  countServed(x, 101);
  expectWithin(x, 0);
  if (x.connection) x.tunnel.open(x.connection.socket, answer.lines + stickyField(x));
  more(x);
  return passFrames(x, bytes, answer.size);
}

export function passFrames(x: Exchange, bytes: Buffer, at: number): boolean {
  x.sent += bytes.length - at;
  x.tunnel.down(bytes, at);
  return goOn(x);
}

/** Gives a WebSocket's app what was written to it, and ends it. */
export function letApp(x: Exchange): void {
  const last = x.connection;
  x.connection = null;
  abandon(x);
  if (last === null) return;
  last.user = null;
  last.socket.destroySoon();
}
