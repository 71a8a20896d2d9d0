import { countOwn, note } from "./exchange-note.ts";
import type { Exchange } from "./exchange-state.ts";
import { dropConnection } from "./pool.ts";
import { takesHtml, type OwnAnswer } from "./policy.ts";

/** Gives up connection and target. */
export function abandon(x: Exchange): void {
  if (x.phase === "aside") x.fallback.stop();
  x.phase = "idle";
  x.stopped = false;
  x.kept = null;
  leaveTarget(x);
}

export function leaveTarget(x: Exchange): void {
  if (x.connection !== null) dropConnection(x.connection);
  x.connection = null;
  const left = x.target;
  if (left === null) return;
  x.target = null;
  left.open.delete(x);
  x.streaming = false;
  x.options.ended(left);
}

/** An answer of the router's own to a request of which the app has seen nothing. */
export function turnAway(x: Exchange, { status, says, fields, html }: OwnAnswer): void {
  x.phase = "idle";
  own(x, { status, says, fields, html: pageFor(x, html) }, closesAfter(x));
}

export function own(x: Exchange, { status, says, fields, html }: OwnAnswer, close: boolean): void {
  const { method } = x.head;
  x.sent = method === "HEAD" ? 0 : (html?.length ?? says.length + 1);
  note(x, status);
  x.client.answer(status, says, { method, close, fields, html });
}

function pageFor({ head }: Exchange, html: string | undefined): string | undefined {
  return html !== undefined && takesHtml(head.fields) ? html : undefined;
}

/** Of a request whose body nobody has read. */
export function closesAfter({ head }: Exchange): boolean {
  return head.hasBody || head.upgrade || !head.keepAlive;
}

/** The app owes the client an answer, and there will be none. */
export function lose(x: Exchange, status: 502 | 504, says: string): void {
  x.app.counters.lost++;
  countOwn(x, status);
  own(x, { status, says, html: pageFor(x, x.app.policy?.page(status)) }, true);
}

/** The answer has begun and cannot be ended. */
export function cut(x: Exchange): boolean {
  note(x, x.answered);
  if (x.target !== null) x.target.answers.cut++;
  abandon(x);
  x.app.counters.lost++;
  x.tally.cut++;
  x.client.cut();
  return true;
}
