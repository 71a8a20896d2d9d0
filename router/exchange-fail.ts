import { countFailed } from "./exchange-note.ts";
import { abandon, lose } from "./exchange-own.ts";
import { enter } from "./exchange-start.ts";
import type { Exchange } from "./exchange-state.ts";
import type { TargetState } from "./table.ts";

/**
 * `unreachable`: nothing of the request was sent. `stale`: a used connection turned out to be
 * closed before any byte of an answer. `cut off`: a new one was. `broken`: anything else that is not
 * an HTTP answer.
 */
export type Failure = "unreachable" | "stale" | "cut off" | "broken";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** No byte of an answer has gone to the client: another try where that can do no harm, else 502. */
export function fail(x: Exchange, why: Failure): boolean {
  const on = x.target as TargetState;
  const { app, options } = x;
  // A connection that it had closed while nothing was asked of it is no failure of the instance's.
  if (why !== "stale") countFailed(x);
  abandon(x);
  if (why === "unreachable") {
    if (!on.down && hasOther(x, on)) app.ejections++;
    options.health.failed(on);
    (x.failed ??= new Set()).add(on);
    enter(x);
  } else if (!x.retried && mayRepeat(x, why, on)) {
    x.retried = true;
    if (hasOther(x, on)) (x.failed ??= new Set()).add(on);
    app.counters.retried++;
    enter(x);
  } else {
    lose(x, 502, "The app's answer was not HTTP, or it broke off.");
  }
  return true;
}

/** The app may have died with a request on its way to it; what asks and changes nothing may ask another. */
function mayRepeat(x: Exchange, why: Failure, on: TargetState): boolean {
  const { repeatable, method } = x.head;
  if (why === "stale") return repeatable;
  return why === "cut off" && repeatable && SAFE.has(method) && hasOther(x, on);
}

function hasOther({ app }: Exchange, than: TargetState): boolean {
  return app.targets.some((each) => each !== than && !each.down);
}
