import type { Route, RouteEvent } from "../../router/contract.ts";
import type { Routers } from "../../workers/ports.ts";
import type { MemoryStore } from "./memory-store.ts";

interface Options {
  /** Waits until the scheduler gives this step its turn. */
  turn(label: string): Promise<unknown>;
  store: MemoryStore;
  now(): number;
  violations: string[];
}

interface WorldRouter {
  id: string;
  alive: boolean;
  /** Cut from the store: hears nothing, tells nothing, serves on. */
  cut: boolean;
  routes: Map<string, Route>;
  acks: Record<string, number>;
  held: Map<string, string>;
}

export interface WorldRouters extends Routers {
  hear(event: RouteEvent): void;
  isAlive(id: string): boolean;
  cut(at: number): void;
  kill(at: number): void;
  /** Every router that lives reads the store again, as it does when it is connected again. */
  heal(): Promise<void>;
  /** A client's request at router `at`: checks linearizability among routers that were never cut. */
  ask(at: number, app: string): void;
  /** Where routers that live send requests. */
  views(): { router: string; app: string; ids: string[]; version: number }[];
}

const LEASE_MS = 5000;

/** No request of the app is sent to its targets. */
export function isShut({ policy }: Route): boolean {
  return policy?.stopped === true || policy?.restsMs !== undefined;
}

/** Two routers as the contract describes them; each hears every event at a time of the scheduler's choice. */
export function createWorldRouters({ turn, store, now, violations }: Options): WorldRouters {
  const routers: WorldRouter[] = ["r1", "r2"].map((id) => ({
    ...{ id, alive: true, cut: false },
    ...{ routes: new Map(), acks: {}, held: new Map() },
  }));
  let waiting: (() => void)[] = [];
  const answered = new Map<string, Route>();
  for (const router of routers) beat(router);

  function beat(router: WorldRouter): void {
    if (!router.alive || router.cut) return;
    const { id, acks } = router;
    store.heartbeat({ id, host: "h", pid: 1, acks: { ...acks }, busy: {} }, now() + LEASE_MS);
  }

  function apply(router: WorldRouter, event: RouteEvent): void {
    if (event.type === "prepare") router.held.set(event.app, event.swap);
    if (event.type === "unhold" && router.held.get(event.app) === event.swap)
      router.held.delete(event.app);
    if (event.type === "route") take(router, event.route);
    if (event.type === "gone" && event.version > (router.acks[event.app] ?? 0)) {
      router.routes.delete(event.app);
      router.held.delete(event.app);
      router.acks[event.app] = event.version;
    }
    beat(router);
    waiting.forEach((look) => look());
  }

  function take(router: WorldRouter, route: Route): void {
    if (route.version <= (router.acks[route.app] ?? 0)) return;
    router.routes.set(route.app, route);
    router.acks[route.app] = route.version;
    router.held.delete(route.app);
  }

  /** Resolves once `done` holds for every router of `ids` that can answer; dead and cut ones are the bound's business. */
  function wait(ids: string[], done: (router: WorldRouter) => boolean): Promise<string[]> {
    return new Promise((resolve) => {
      const look = () => {
        const open = routers.filter((r) => ids.includes(r.id) && !done(r));
        if (open.some((router) => router.alive && !router.cut)) return;
        waiting = waiting.filter((other) => other !== look);
        resolve(open.map((router) => router.id));
      };
      waiting.push(look);
      look();
    });
  }

  return {
    hear(event) {
      for (const router of routers) {
        void turn(`${router.id} hears ${event.type}`).then(() => {
          if (router.alive && !router.cut) apply(router, event);
        });
      }
    },
    isAlive: (id) => routers.some((router) => router.id === id && router.alive),
    cut(at) {
      const router = routers[at];
      if (router) router.cut = true;
      waiting.forEach((look) => look());
    },
    kill(at) {
      const router = routers[at];
      if (router) router.alive = false;
      waiting.forEach((look) => look());
    },
    async heal() {
      for (const router of routers) {
        router.cut = false;
        if (!router.alive) continue;
        for (const app of new Set([
          ...router.routes.keys(),
          ...(await store.listApps()).map((a) => a.name),
        ])) {
          const route = await store.getRoute(app);
          if (route) take(router, route);
          else router.routes.delete(app);
        }
        router.held.clear();
        beat(router);
      }
    },
    ask(at, app) {
      const router = routers[at];
      const route = router?.routes.get(app);
      if (!router?.alive || router.cut || !route || router.held.has(app)) return;
      const newest = answered.get(app) ?? route;
      // Other targets of the same release are no swap: their order is nobody's business.
      if (route.version < newest.version && route.deploy !== newest.deploy)
        violations.push(
          `${router.id} answered version ${route.version} of ${app} after ${newest.version}`,
        );
      answered.set(app, route.version > newest.version ? route : newest);
    },
    views: () =>
      routers
        .filter((router) => router.alive)
        .flatMap(({ id, routes }) => [...routes.values()].map((route) => ({ id, route })))
        // A router answers itself, or holds its requests.
        .filter(({ route }) => !isShut(route))
        .map(({ id: router, route: { app, version, targets } }) => ({
          ...{ router, app, version },
          ids: targets.map(({ id }) => id),
        })),
    awaitHeld: (swap, ids) => wait(ids, (router) => [...router.held.values()].includes(swap)),
    async awaitFlipped(app, version, ids) {
      const silent = await wait(ids, (router) => (router.acks[app] ?? 0) >= version);
      return { silent, holdMs: 0, heldRequests: 0, waits: [], draining: 0 };
    },
    counts: async () => new Map(),
  };
}
