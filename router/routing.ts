import { createAsides } from "./aside.ts";
import type { Clock } from "./clock.ts";
import type { Counters } from "./contract.ts";
import type { Drain } from "./drain.ts";
import { createHolds, type Holds } from "./hold.ts";
import { createIdles, type Idles } from "./idle.ts";
import type { Ports } from "./policy.ts";
import { createPool, type Address } from "./pool.ts";
import { countersOf } from "./stats.ts";
import { createSwaps, type SwapOptions, type Swaps } from "./swap.ts";
import { createTable, type AppState, type Table } from "./table.ts";
import { createInstanceTallies } from "./tally.ts";

export interface RoutingOptions extends Pick<SwapOptions, "id" | "ack" | "changed" | "reread"> {
  clock: Clock;
  drain: Drain;
  ports: Ports;
  domain: string;
  /** How many requests may wait for a swap. */
  heldRequests: number;
  /** For so long after a swap the standby is asked for assets that are gone, ms. */
  assetsMs: number;
  forgotten(app: string): void;
  /** The app's route is another. */
  routed(app: string): void;
}

/** Which app answers at which host, by which targets, and the events that change that. */
export interface Routing {
  table: Table;
  idles: Idles;
  holds: Holds;
  swaps: Swaps;
  find(host: string): AppState | undefined;
  counters(app: string): Counters;
  /** The live colours and the others. */
  all(): Iterable<AppState>;
}

export function createRouting(options: RoutingOptions): Routing {
  const { clock, drain, ports, domain, heldRequests, assetsMs, ...swapping } = options;
  const openPool = (address: Address) => createPool(address, clock);
  const own = { openPool, answersOf: createInstanceTallies() };
  const table = createTable({ ...own, revive: drain.revive, ports });
  const idles = createIdles({ ...own, domain, leave: drain.leave, live: table.get, assetsMs });
  const asides = createAsides({ clock, find: table.get });
  const holds = createHolds({ limit: heldRequests });
  const counters = (name: string) => {
    const live = table.get(name);
    return countersOf(live, [...idles.of(name), ...(live ? [live] : [])]);
  };
  const swaps = createSwaps({
    ...swapping,
    counters,
    ...{ table, holds, drain, aside: asides.set, idle: idles.apply },
    routed(route) {
      idles.routed(route);
      asides.routed(route.app);
      options.routed(route.app);
    },
    forgotten(app) {
      idles.forget(app);
      asides.forget(app);
      options.forgotten(app);
    },
  });

  function* all(): Generator<AppState> {
    yield* table.apps();
    yield* idles.apps();
  }

  const find = (host: string) => table.find(host) ?? idles.find(host);
  return { table, idles, holds, swaps, all, counters, find };
}
