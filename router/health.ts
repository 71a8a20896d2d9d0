import { connect } from "node:net";
import type { Clock } from "./clock.ts";
import type { TargetState } from "./table.ts";

/**
 * Which targets take connections. One that did not is down at once and asked again by the router
 * itself, ever more seldom; it is up again after two answers in a row, or when a request got through.
 * Who is down is passed over for those who are not, and used all the same when there are no others.
 */
export interface Health {
  failed(target: TargetState): void;
  reached(target: TargetState): void;
}

export interface HealthOptions {
  clock: Clock;
  /** A target that is down took a connection. */
  answered(target: TargetState): void;
}

interface Down {
  /** Between two questions, ms. */
  delay: number;
  nextAt: number;
  /** Answers in a row. */
  answers: number;
  asking: boolean;
}

const FIRST_MS = 200;
const LONGEST_MS = 10_000;
const PROBE_MS = 1000;
const NEEDED = 2;
/** A target that fails again so soon after it came back is asked as seldom as before. */
const RELAPSE_MS = 30_000;

export function createHealth({ clock, answered }: HealthOptions): Health {
  const down = new Map<TargetState, Down>();
  /** Of those that are up again: the delay that they had come to, and since when. */
  const before = new WeakMap<TargetState, { delay: number; at: number }>();
  clock.every(tick);

  function tick(now: number): void {
    for (const [target, entry] of down) {
      if (!target.current) leave(target);
      else if (!entry.asking && now >= entry.nextAt) ask(target, entry);
    }
  }

  function leave(target: TargetState): void {
    down.delete(target);
    target.down = false;
  }

  function ask(target: TargetState, entry: Down): void {
    entry.asking = true;
    const { host, port } = target.address;
    const socket = connect({ host, port, timeout: PROBE_MS });
    const told = (took: boolean): void => {
      socket.destroy();
      if (!entry.asking) return;
      entry.asking = false;
      if (down.get(target) === entry) heard(target, entry, took);
    };
    socket.on("connect", () => told(true));
    socket.on("timeout", () => told(false));
    socket.on("error", () => told(false));
  }

  function heard(target: TargetState, entry: Down, took: boolean): void {
    if (!took) {
      entry.answers = 0;
      entry.delay = Math.min(2 * entry.delay, LONGEST_MS);
    } else if (++entry.answers >= NEEDED) {
      reached(target);
    }
    // The second answer is asked for soon.
    entry.nextAt = clock.now() + (took ? FIRST_MS : entry.delay * (0.75 + Math.random() / 2));
    if (took) answered(target);
  }

  function reached(target: TargetState): void {
    const entry = down.get(target);
    if (entry) before.set(target, { delay: entry.delay, at: clock.now() });
    leave(target);
  }

  function failed(target: TargetState): void {
    if (target.down || !target.current) return;
    target.down = true;
    const last = before.get(target);
    const relapse = last !== undefined && clock.now() - last.at < RELAPSE_MS;
    const delay = relapse ? Math.min(2 * last.delay, LONGEST_MS) : FIRST_MS;
    down.set(target, { delay, nextAt: clock.now() + delay, answers: 0, asking: false });
  }

  return { failed, reached };
}
