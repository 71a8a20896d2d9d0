import type { Exchange } from "./exchange-state.ts";
import { countAnswer, countByClass } from "./tally.ts";

/** An answer of the app's has begun. */
export function countServed(x: Exchange, as: number): void {
  const { served } = x.app.counters;
  served[x.release] = (served[x.release] ?? 0) + 1;
  if (x.streaming) x.tally.streams++;
  if (x.target !== null) countByClass(x.target.answers, as);
  count(x, as);
}

/** The instance gives no answer; to be called while the exchange is still on it. */
export function countFailed({ target }: Exchange): void {
  if (target !== null) target.answers.failed++;
}

/** An answer of the router's in place of the app's. */
export function countOwn(x: Exchange, as: 502 | 503 | 504): void {
  x.tally.own[as]++;
  count(x, as);
}

function count({ tally, since }: Exchange, as: number): void {
  countAnswer(tally, as, performance.now() - since);
}

/** For the access log: the request at hand has its answer, or will have none. */
export function note(x: Exchange, status: number): void {
  const { log } = x.options;
  if (log === null || !x.app.logs) return;
  log.add(x.app.name, {
    colour: x.colour,
    release: x.release,
    id: x.id,
    method: x.head.method,
    path: x.head.path,
    status,
    ms: performance.now() - x.since,
    bytes: x.sent,
    instance: x.instance,
  });
}
