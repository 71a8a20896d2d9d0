import type { IdleColour, IdleColours, Route } from "./contract.ts";
import type { Drain } from "./drain.ts";
import {
  newApp,
  newTarget,
  targetKey,
  type AppState,
  type TableOptions,
  type TargetState,
} from "./table.ts";

const SLOTS = ["held", "standby"] as const;

export interface Idles {
  /** Takes over what runs beside a live colour, unless something newer is known. */
  apply(idle: IdleColours): void;
  /** All that the store has. `anew`: it has begun to count anew, so that versions say nothing. */
  reset(all: IdleColours[], at: { seq: number; anew: boolean }): void;
  /** What a route names is idle no more. */
  routed(route: Route): void;
  forget(app: string): void;
  /** The app's other colour, if the host is its address and it runs. */
  find(host: string): AppState | undefined;
  nobodyAt(host: string): string;
  /** Whom to ask for an asset that `app`, a live colour, has no more; null: nobody, or no longer. */
  standbyOf(app: AppState): AppState | null;
  apps(): Iterable<AppState>;
  /** Of one app. */
  of(app: string): AppState[];
  /** How many requests the app's other colours have answered. */
  answers(app: string): number;
}

export interface IdlesOptions extends Pick<TableOptions, "openPool" | "answersOf"> {
  /** The platform's. */
  domain: string;
  leave: Drain["leave"];
  live(app: string): AppState | undefined;
  /** For so long after a swap, pages of the release before are open that ask for its assets. */
  assetsMs: number;
}

/** One app's other colours. Each counts for itself, so that nothing of them is taken for the live one's. */
interface Beside {
  version: number;
  held: AppState;
  standby: AppState;
  /** `performance.now()` when the standby came to be one. */
  since: number;
}

const PREFIX = "idle--";
const DRAIN_MS = 30_000;

/** The colours that are not live, for those who look at them: `idle--APP.DOMAIN`. */
export function createIdles(options: IdlesOptions): Idles {
  const { domain, leave, live, assetsMs } = options;
  const byApp = new Map<string, Beside>();
  const suffix = `.${domain}`;

  function besideOf(app: string): Beside {
    let beside = byApp.get(app);
    if (!beside) {
      beside = { version: 0, held: newApp(app), standby: newApp(app), since: 0 };
      byApp.set(app, beside);
    }
    return beside;
  }

  function put(state: AppState, runs: IdleColour | undefined): void {
    const left = new Map(state.targets.map((target) => [targetKey(target), target]));
    state.targets = (runs?.targets ?? []).map(
      (target) => left.get(targetKey(target)) ?? newTarget(state.name, target, options),
    );
    for (const target of state.targets) left.delete(targetKey(target));
    if (runs !== undefined) {
      const { colour, release, targets } = runs;
      const nobody = { deploy: "", hosts: [], drainMs: 0, version: 0 };
      state.route = { app: state.name, colour, release, targets, ...nobody };
      state.tally = state.tallies.of(release, colour);
    }
    for (const target of left.values()) drainOf(state.name, target);
  }

  function drainOf(app: string, target: TargetState): void {
    leave(target, live(app)?.route?.drainMs ?? DRAIN_MS);
  }

  function take(beside: Beside, idle: IdleColours): void {
    beside.version = idle.version;
    const { route, targets } = beside.standby;
    const same = targets.length > 0 && route?.release === idle.standby?.release;
    if (!same) beside.since = performance.now();
    for (const slot of SLOTS) put(beside[slot], idle[slot]);
  }

  function apply(idle: IdleColours): void {
    const beside = besideOf(idle.app);
    if (idle.version > beside.version) take(beside, idle);
  }

  function reset(all: IdleColours[], { seq, anew }: { seq: number; anew: boolean }): void {
    const named = new Set(all.map(({ app }) => app));
    for (const idle of all) {
      if (anew) take(besideOf(idle.app), idle);
      else apply(idle);
    }
    // What came during the reading is newer than what was read.
    for (const [app, beside] of byApp) {
      if (named.has(app) || (!anew && beside.version > seq)) continue;
      take(beside, { app, version: seq });
    }
  }

  function routed({ app, targets }: Route): void {
    const beside = byApp.get(app);
    if (!beside) return;
    const routedTo = new Set(targets.map(({ id }) => id));
    for (const slot of SLOTS) {
      if (beside[slot].targets.some(({ id }) => routedTo.has(id))) put(beside[slot], undefined);
    }
  }

  function forget(app: string): void {
    const beside = byApp.get(app);
    if (!beside) return;
    for (const slot of SLOTS) put(beside[slot], undefined);
    byApp.delete(app);
  }

  function appOf(host: string): string | null {
    if (!host.startsWith(PREFIX) || !host.endsWith(suffix)) return null;
    return host.slice(PREFIX.length, -suffix.length);
  }

  function find(host: string): AppState | undefined {
    const app = appOf(host);
    const beside = app === null ? undefined : byApp.get(app);
    const slot = beside && SLOTS.find((each) => beside[each].targets.length > 0);
    if (!slot) return undefined;
    const state = beside[slot];
    state.logs = live(state.name)?.logs ?? true;
    return state;
  }

  return {
    apply,
    reset,
    routed,
    forget,
    find,
    nobodyAt(host) {
      const app = appOf(host);
      return app !== null && live(app)
        ? `Nothing runs in the idle colour of ${app}.`
        : `There is no app at ${host}.`;
    },
    standbyOf(app) {
      const beside = byApp.get(app.name);
      // The other colours themselves have nobody to ask.
      if (!beside || live(app.name) !== app || beside.standby.targets.length === 0) return null;
      if (app.route?.policy?.assetFallback === false) return null;
      return performance.now() - beside.since < assetsMs ? beside.standby : null;
    },
    *apps() {
      for (const beside of byApp.values()) for (const slot of SLOTS) yield beside[slot];
    },
    of(app) {
      const beside = byApp.get(app);
      return beside ? SLOTS.map((slot) => beside[slot]) : [];
    },
    answers(app) {
      const beside = byApp.get(app);
      if (!beside) return 0;
      const served = SLOTS.flatMap((slot) => Object.values(beside[slot].counters.served));
      return served.reduce((sum, count) => sum + count, 0);
    },
  };
}
