import type { Counters, IdleColours, Route, RouteAck, RouteEvent } from "./contract.ts";
import type { Drain } from "./drain.ts";
import type { Hold, Holds } from "./hold.ts";
import type { AppState, Change, Table } from "./table.ts";

export interface SwapOptions {
  id: string;
  table: Table;
  holds: Holds;
  drain: Drain;
  ack(ack: RouteAck): void;
  /** The table has changed. */
  changed(): void;
  /** The route is the app's from now on. */
  routed(route: Route): void;
  idle(idle: IdleColours): void;
  /** Targets of the app that fail their checks. */
  aside(app: string, ids: string[], forMs: number): void;
  /** The app is gone. */
  forgotten(app: string): void;
  counters(app: string): Counters;
  /** The app's route as the store has it now; rejects when the store does not answer in time. */
  reread(app: string): Promise<Route | null>;
}

export interface Swaps {
  /** Takes an event over; one that tells of something older than what is known here changes nothing. */
  apply(event: RouteEvent): void;
  /** Takes a route over whatever its version, when the store itself has begun anew. */
  force(route: Route): void;
  /** Drops an app that the store no longer has. */
  forget(app: string): void;
}

type Held = Required<Pick<Flipped, "holdMs" | "heldRequests" | "waits">>;
type Flipped = Extract<RouteAck, { type: "flipped" }>;

/** So many waits are told of one hold, so that the message stays small. */
const WAITS = 500;
/** People wait while what is open on targets that are to stop ends. */
const REST_DRAIN_MS = 5000;

/** The router's side of a swap: hold, flip, let go. Every step is within one turn of the event loop. */
export function createSwaps(options: SwapOptions): Swaps {
  const { id, table, holds, drain, ack } = options;

  function prepare(name: string, swap: string, holdMs: number): void {
    const app = table.ensure(name);
    const before = app.hold;
    if (before?.swap === swap) return ack({ type: "held", router: id, app: name, swap });
    app.hold = holds.open(swap, holdMs, (hold) => void expired(app, hold));
    // Those of an earlier swap go through the gate again, and wait here.
    before?.release();
    ack({ type: "held", router: id, app: name, swap });
  }

  async function expired(app: AppState, hold: Hold): Promise<void> {
    try {
      const route = await options.reread(app.name);
      if (route && app.hold === hold) apply({ type: "route", route, swap: hold.swap });
    } catch {
      // The store is out of reach: the route that is known here goes on.
    }
    letGo(app, hold);
  }

  /** How long was held, how many, and how long each of them waited. */
  function letGo(app: AppState, hold: Hold | null): Held {
    if (hold === null || app.hold !== hold) return { holdMs: 0, heldRequests: 0, waits: [] };
    app.hold = null;
    const holdMs = performance.now() - hold.since;
    const waits = hold.release();
    return { holdMs, heldRequests: waits.length, waits: sampled(waits) };
  }

  function flip(change: Change, route: Route, swap: string | undefined): void {
    const { app, left } = change;
    options.routed(route);
    // The hold of another swap stays: its commit is still to come, or it runs out.
    const mine = swap === undefined || app.hold?.swap === swap;
    const held = letGo(app, mine ? app.hold : null);
    const draining = left.reduce((sum, target) => sum + target.open.size, 0);
    sendFlipped(route, swap, held, draining);
    const rests = route.policy?.restsMs !== undefined;
    const drainMs = rests ? Math.min(route.drainMs, REST_DRAIN_MS) : route.drainMs;
    for (const target of left) drain.leave(target, drainMs);
    options.changed();
  }

  function sendFlipped(
    { app, version }: Route,
    swap: string | undefined,
    held: Held,
    draining: number,
  ): void {
    ack({
      type: "flipped",
      router: id,
      app,
      version,
      ...(swap === undefined ? {} : { swap }),
      ...held,
      draining,
    });
  }

  function setRoute(route: Route, swap: string | undefined): void {
    const change = table.set(route);
    if (change) return flip(change, route, swap);
    const app = table.get(route.app);
    // Told twice: the worker that asks again gets its answer again.
    if (app?.route?.version === route.version) {
      sendFlipped(route, swap, letGo(app, app.hold?.swap === swap ? app.hold : null), 0);
    }
  }

  function gone(change: Change | null): void {
    if (!change) return;
    letGo(change.app, change.app.hold);
    const drainMs = change.app.route?.drainMs ?? 0;
    for (const target of change.left) drain.leave(target, drainMs);
    options.forgotten(change.app.name);
    options.changed();
  }

  function unhold(name: string, swap: string): void {
    const app = table.get(name);
    if (app?.hold?.swap === swap) letGo(app, app.hold);
  }

  function count(name: string, question: string): void {
    const counters = options.counters(name);
    ack({ type: "count", router: id, app: name, id: question, counters });
  }

  function apply(event: RouteEvent): void {
    switch (event.type) {
      case "prepare":
        return prepare(event.app, event.swap, event.holdMs);
      case "route":
        return setRoute(event.route, event.swap);
      case "unhold":
        return unhold(event.app, event.swap);
      case "gone":
        return gone(table.drop(event.app, event.version));
      case "idle":
        return options.idle(event.idle);
      case "aside":
        return options.aside(event.app, event.ids, event.forMs);
      case "count":
        return count(event.app, event.id);
    }
  }

  return {
    apply,
    force(route) {
      const change = table.set(route, true);
      if (change) flip(change, route, undefined);
    },
    forget: (name) => gone(table.forget(name)),
  };
}

/** At most WAITS of them, evenly spread over their order, rounded to a tenth of a millisecond. */
function sampled(waits: number[]): number[] {
  const every = Math.max(1, waits.length / WAITS);
  const count = Math.min(waits.length, WAITS);
  const at = (i: number) => waits[Math.floor(i * every)] as number;
  return Array.from({ length: count }, (_, i) => Math.round(at(i) * 10) / 10);
}
