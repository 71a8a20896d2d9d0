import type { AccessLog } from "./access-log.ts";
import type { Counters, ReleaseCounters, TargetCounters } from "./contract.ts";
import type { Drain } from "./drain.ts";
import type { Holds } from "./hold.ts";
import type { Idles } from "./idle.ts";
import type { Listener } from "./listener.ts";
import type { Patience } from "./patience.ts";
import {
  newCounters,
  type AppState,
  type Exchange,
  type Table,
  type TargetState,
} from "./table.ts";

export interface RouterStats {
  id: string;
  /** Requests that wait for a swap, and for a target that can be reached. */
  waiting: number;
  unreachable: number;
  /** Lines that the access log has left out. */
  leftOut: number;
  connections: number;
  draining: Record<string, number>;
  apps: Record<string, AppStats>;
}

export interface AppStats {
  version: number;
  release: number;
  holding: boolean;
  targets: { id: string; open: number; down: boolean; answers: TargetCounters }[];
  counters: Counters;
  /** Of all its releases so far. */
  tallies: Record<"blue" | "green", ReleaseCounters>;
  turnedAway: number;
  /** Of its other colour, at the idle address. */
  idleAnswers: number;
  ejections: number;
  /** Open event streams and WebSockets. */
  streams: number;
}

/** The parts of a router that have something to tell. */
export interface StatsOf {
  id: string;
  table: Pick<Table, "apps">;
  idles: Pick<Idles, "answers">;
  holds: Pick<Holds, "waiting">;
  patience: Pick<Patience, "waiting">;
  log: Pick<AccessLog, "leftOut"> | null;
  listener: Pick<Listener, "connections">;
  drain: Pick<Drain, "busy">;
}

/** What a router is doing, each time it is asked. */
export function createStats(of: StatsOf): () => RouterStats {
  function statsOf(app: AppState): AppStats {
    return {
      version: app.route?.version ?? 0,
      release: app.route?.release ?? 0,
      holding: app.hold !== null,
      targets: app.targets.map(({ id, open, down, answers }) => {
        return { id, open: open.size, down, answers };
      }),
      counters: app.counters,
      tallies: app.tallies.byColour(),
      turnedAway: app.turnedAway,
      idleAnswers: of.idles.answers(app.name),
      ejections: app.ejections,
      streams: app.targets.reduce((sum, target) => sum + streamsOn(target).length, 0),
    };
  }

  return () => ({
    id: of.id,
    waiting: of.holds.waiting(),
    unreachable: of.patience.waiting(),
    leftOut: of.log?.leftOut() ?? 0,
    connections: of.listener.connections(),
    draining: of.drain.busy(),
    apps: Object.fromEntries([...of.table.apps()].map((app) => [app.name, statsOf(app)])),
  });
}

/** The event streams and WebSockets that are open on a target. */
export function streamsOn(target: TargetState): Exchange[] {
  return target.open.all().filter((exchange) => exchange.streaming);
}

/** What is counted of an app, by its live colour and, of each instance, by all of `colours`. */
export function countersOf(live: AppState | undefined, colours: Iterable<AppState>): Counters {
  const targets: Record<string, TargetCounters> = {};
  for (const app of colours) for (const { id, answers } of app.targets) targets[id] = answers;
  return { ...(live?.counters ?? newCounters()), targets };
}
