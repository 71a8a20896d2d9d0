import type { Clock } from "./clock.ts";
import type { Route } from "./contract.ts";
import type { AppState } from "./table.ts";

/** Requests of apps none of whose targets can be reached, waiting for one. */
export interface Patience {
  /**
   * Calls `again` when a target answers, when the route is another, or after `ms`; false when too
   * many wait already in this process.
   */
  wait(app: AppState, ms: number, again: () => void): boolean;
  /** A target of one of the apps took a connection. */
  wake(answers: (app: AppState) => boolean): void;
  /** The app's route is another. */
  routed(app: string): void;
  waiting(): number;
}

interface Waiting {
  app: AppState;
  route: Route | null;
  until: number;
  again: () => void;
}

const BATCH = 200;

/** In batches, so that ten thousand of them do not stop the event loop. */
function inTurns(gone: Waiting[], from: number): void {
  for (const { again } of gone.slice(from, from + BATCH)) again();
  if (from + BATCH < gone.length) setImmediate(inTurns, gone, from + BATCH);
}

/** @param limit how many requests may wait in this process */
export function createPatience({ clock, limit }: { clock: Clock; limit: number }): Patience {
  let all: Waiting[] = [];
  clock.every((now) => {
    letGo(({ app, route, until }) => now >= until || app.route !== route);
  });

  function letGo(which: (waiting: Waiting) => boolean): void {
    if (all.length === 0) return;
    const gone: Waiting[] = [];
    const stay: Waiting[] = [];
    for (const each of all) (which(each) ? gone : stay).push(each);
    all = stay;
    inTurns(gone, 0);
  }

  return {
    wait(app, ms, again) {
      if (all.length >= limit) return false;
      all.push({ app, route: app.route, until: clock.now() + ms, again });
      return true;
    },
    wake: (answers) => letGo(({ app }) => answers(app)),
    routed: (name) => letGo(({ app, route }) => app.name === name && app.route !== route),
    waiting: () => all.length,
  };
}
