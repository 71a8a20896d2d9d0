import { stickyName } from "./choose.ts";
import type { Counters, ReleaseCounters, Route, Target, TargetCounters } from "./contract.ts";
import type { Hold } from "./hold.ts";
import { readyPolicy, type Ports, type ReadyPolicy } from "./policy.ts";
import type { Address, Pool } from "./pool.ts";
import { createRoster, type Member, type Roster } from "./roster.ts";
import { createTallies, newTally, type Tallies } from "./tally.ts";

/** A request or socket that is open on a target. */
export interface Exchange extends Member {
  /** A WebSocket or an event stream: has no end of its own. */
  readonly streaming: boolean;
  /** Ends it now: a stream as politely as its protocol can, anything else by cutting it. */
  end(): void;
}

export interface TargetState {
  readonly id: string;
  readonly address: Address;
  /** Connections to this target only, so that none outlives it. */
  readonly pool: Pool;
  readonly open: Roster<Exchange>;
  /** Its name in the cookie of those who stay with it. */
  readonly sticky: string;
  current: boolean;
  /** It did not take a connection of late. */
  down: boolean;
  /** It fails its checks. */
  aside: boolean;
  readonly answers: TargetCounters;
}

export interface AppState {
  readonly name: string;
  route: Route | null;
  /** Of the route; null for most, who then pay one look at it. */
  policy: ReadyPolicy | null;
  /** Its requests go to the access log. */
  logs: boolean;
  targets: TargetState[];
  hold: Hold | null;
  readonly counters: Counters;
  readonly tallies: Tallies;
  /** Of the release that is live. */
  tally: ReleaseCounters;
  /** Requests that its policy kept from the app: by maintenance, a redirect, a limit. */
  turnedAway: number;
  /** How often a target was left out for another one. */
  ejections: number;
  turn: number;
}

/** What is written to disk. */
export interface Snapshot {
  routes: Route[];
  /** App to the version at which it went. */
  gone: Record<string, number>;
}

export interface Change {
  app: AppState;
  left: TargetState[];
}

export interface Table {
  /** The app of a normalised host name. */
  find(host: string): AppState | undefined;
  get(app: string): AppState | undefined;
  /** The app's state, made when the app is new here. */
  ensure(app: string): AppState;
  /** Takes a route over; null when a newer or the same one is known. `force` skips that question. */
  set(route: Route, force?: boolean): Change | null;
  /** Forgets an app; null when a newer route is known. Its version is remembered. */
  drop(app: string, version: number): Change | null;
  /** Forgets an app that the store no longer has, at a version that nobody told. */
  forget(app: string): Change | null;
  /** App to the version routed by; an app that went stands at the version at which it went, if told. */
  versions(): Record<string, number>;
  apps(): Iterable<AppState>;
  snapshot(): Snapshot;
}

export interface TableOptions {
  revive(key: string): TargetState | undefined;
  openPool(address: Address): Pool;
  /** The counters of an instance. */
  answersOf(id: string): TargetCounters;
  ports: Ports;
}

const MAX_GONE = 1000;

/**
 * Host to route, in memory. `revive` gives back a target that left a route and is still draining.
 */
export function createTable(options: TableOptions): Table {
  const { revive, ports } = options;
  const byHost = new Map<string, AppState>();
  const byName = new Map<string, AppState>();
  const gone = new Map<string, number>();
  const untold = new Set<string>();

  function ensure(name: string): AppState {
    let app = byName.get(name);
    if (!app) {
      app = newApp(name);
      byName.set(name, app);
    }
    return app;
  }

  function setHosts(app: AppState, hosts: string[]): void {
    for (const host of app.route?.hosts ?? []) {
      if (byHost.get(host) === app) byHost.delete(host);
    }
    for (const host of hosts) byHost.set(host, app);
  }

  function ungone(name: string): void {
    gone.delete(name);
    untold.delete(name);
  }

  function set(route: Route, force = false): Change | null {
    const known = byName.get(route.app)?.route?.version ?? gone.get(route.app) ?? 0;
    if (!force && route.version <= known) return null;
    const app = ensure(route.app);
    const before = new Map(app.targets.map((target) => [targetKey(target), target]));
    // None of a route that rests: what is open there ends, and nothing new begins.
    const rests = route.policy?.restsMs !== undefined;
    const targets = (rests ? [] : route.targets).map((target) => {
      const key = targetKey(target);
      return before.get(key) ?? revive(key) ?? newTarget(route.app, target, options);
    });
    setHosts(app, route.hosts);
    app.route = route;
    app.policy = readyPolicy(route, ports);
    app.tally = app.tallies.of(route.release, route.colour);
    app.logs = route.policy?.accessLog !== false;
    app.targets = targets;
    for (const target of targets) {
      target.current = true;
      before.delete(targetKey(target));
    }
    ungone(route.app);
    return { app, left: [...before.values()] };
  }

  function drop(name: string, version: number): Change | null {
    const app = byName.get(name);
    if ((app?.route?.version ?? 0) > version) return null;
    gone.set(name, Math.max(version, gone.get(name) ?? 0));
    untold.delete(name);
    if (gone.size > MAX_GONE) ungone(gone.keys().next().value as string);
    if (!app) return null;
    setHosts(app, []);
    app.logs = false;
    byName.delete(name);
    return { app, left: app.targets };
  }

  function forget(name: string): Change | null {
    const change = drop(name, byName.get(name)?.route?.version ?? 0);
    untold.add(name);
    return change;
  }

  function versions(): Record<string, number> {
    const all: Record<string, number> = {};
    for (const [name, version] of gone) if (!untold.has(name)) all[name] = version;
    for (const app of byName.values()) if (app.route) all[app.name] = app.route.version;
    return all;
  }

  /** By its very name, else by the wildcard over it. */
  function find(host: string): AppState | undefined {
    const app = byHost.get(host);
    return app ?? byHost.get(`*${host.slice(host.indexOf("."))}`);
  }

  return {
    find,
    get: (name) => byName.get(name),
    ensure,
    set,
    drop,
    forget,
    versions,
    apps: () => byName.values(),
    snapshot: () => ({
      routes: [...byName.values()].flatMap((app) => (app.route ? [app.route] : [])),
      gone: Object.fromEntries(gone),
    }),
  };
}

export function newApp(name: string): AppState {
  const tallies = createTallies();
  return {
    ...{ name, route: null, policy: null, logs: true, targets: [], hold: null, turn: 0 },
    ...{ tallies, tally: newTally("blue"), turnedAway: 0, ejections: 0 },
    counters: { ...newCounters(), releases: tallies.byRelease },
  };
}

export function newTarget(
  app: string,
  { id, host, port }: Target,
  { openPool, answersOf }: Pick<TableOptions, "openPool" | "answersOf">,
): TargetState {
  const address = { host, port };
  const sticky = stickyName(app, id);
  const fresh = { open: createRoster<Exchange>(), current: true, down: false, aside: false };
  const answers = answersOf(id);
  return { id, address, pool: openPool(address), sticky, ...fresh, answers };
}

/** An instance at another address is another target. */
export function targetKey(target: Target | TargetState): string {
  const { host, port } = "address" in target ? target.address : target;
  return `${target.id} ${host} ${port}`;
}

export function newCounters(): Counters {
  return { served: {}, held: 0, retried: 0, refused: 0, lost: 0, releases: {} };
}
