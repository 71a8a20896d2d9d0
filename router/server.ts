import { hostname } from "node:os";
import type { AccessLog } from "./access-log.ts";
import { createAdmission } from "./admission.ts";
import type { Counters, Route, RouteAck, RouteCertificate, RouterReport } from "./contract.ts";
import { createHealth } from "./health.ts";
import { createHostTls, type TlsParts } from "./host-tls.ts";
import { createListener, type Listener } from "./listener.ts";
import type { Ports } from "./policy.ts";
import { createPatience, type Patience } from "./patience.ts";
import { createClock, type Clock } from "./clock.ts";
import { createDrain, type Drain } from "./drain.ts";
import type { Idles } from "./idle.ts";
import { createRouting, type Routing } from "./routing.ts";
import type { Swaps } from "./swap.ts";
import type { AppState, Snapshot } from "./table.ts";
import { createStats, streamsOn, type RouterStats } from "./stats.ts";
import { createTrust, type Range } from "./trust.ts";

export interface RouterOptions {
  id: string;
  /** Where acknowledgements go. */
  ack(ack: RouteAck): void;
  /** The table changed, or an old target has nothing open any more: the report is worth telling. */
  changed?(what: "table" | "idle"): void;
  /** The store's route of an app, asked for when a hold runs out. Rejects when there is no answer in time. */
  reread?(app: string): Promise<Route | null>;
  limits?: Partial<Limits>;
  ports?: Ports;
  /** The platform's: an app's idle colour answers at `idle--APP.DOMAIN`. */
  domain?: string;
  log?: AccessLog;
  tls?: TlsParts;
  /** Proxies in front of the router, whose word about their clients counts. */
  trustedProxies?: readonly Range[];
  /** Every connection begins with a header of the PROXY protocol, and comes from such a proxy. */
  proxyProtocol?: boolean;
}

/** Times in ms. */
export interface Limits {
  heldRequests: number;
  connectMs: number;
  holdMs: number;
  handshakeMs: number;
  stallMs: number;
  headersMs: number;
  keepAliveMs: number;
  /** For so long after a swap the standby is asked for assets that are gone. */
  assetsMs: number;
}

const LIMITS: Limits = {
  heldRequests: 10_000,
  connectMs: 5000,
  holdMs: 2000,
  handshakeMs: 60_000,
  stallMs: 300_000,
  headersMs: 15_000,
  keepAliveMs: 75_000,
  assetsMs: 600_000,
};

const SWEEP_MS = 5000;

export interface Router extends Swaps, Pick<Listener, "server" | "listen" | "listenTls"> {
  /** All certificates that there are, from now on. */
  setCertificates(all: RouteCertificate[]): void;
  /** What TLS sessions are resumed by; null: each process by keys of its own. */
  setTicketKeys(keys: Buffer | null): void;
  report(): RouterReport;
  counters(app: string): Counters;
  setIdles: Idles["reset"];
  /** App to the version at which it went, and the routes. */
  snapshot(): Snapshot;
  stats(): RouterStats;
  /** Stops listening, lets requests end for at most `drainMs`, then cuts. Resolves when nothing is open. */
  close(drainMs: number): Promise<void>;
}

/** A router without the store: events in, acknowledgements out, and the server, not yet listening. */
export function createRouter(options: RouterOptions): Router {
  const limits = { ...LIMITS, ...options.limits };
  const changed = options.changed ?? (() => undefined);
  const drain = createDrain({ onIdle: () => changed("idle") });
  const clock = createClock();
  const patience = createPatience({ clock, limit: limits.heldRequests });
  const routing = createRouting({
    ...{ clock, drain, ...limits },
    id: options.id,
    ack: options.ack,
    changed: () => changed("table"),
    reread: options.reread ?? (() => Promise.resolve(null)),
    ports: options.ports ?? { https: 443 },
    domain: options.domain ?? "localhost",
    forgotten: (app) => options.log?.forget(app),
    routed: (app) => patience.routed(app),
  });
  let closing = false;
  const front = createFront({
    ...{ options, limits, clock, drain, routing, patience },
    closing: () => closing,
  });
  const { table, idles, swaps, all } = routing;
  const sweeping = setInterval(() => {
    for (const app of all()) for (const target of app.targets) target.pool.sweep();
  }, SWEEP_MS);
  sweeping.unref();

  async function close(drainMs: number): Promise<void> {
    closing = true;
    const stop = endStreams([...all()], drainMs);
    await front.listener.close(drainMs);
    stop();
    clearInterval(sweeping);
    clock.close();
    drain.close();
    for (const app of all()) for (const target of app.targets) target.pool.destroy();
  }

  const { id } = options;
  const host = hostname();
  return {
    server: front.listener.server,
    listen: front.listener.listen,
    listenTls: front.listener.listenTls,
    setCertificates: front.hostTls.set,
    setTicketKeys: front.hostTls.setTicketKeys,
    apply: swaps.apply,
    force: swaps.force,
    forget: swaps.forget,
    setIdles: idles.reset,
    report: () => ({ id, host, pid: process.pid, acks: table.versions(), busy: drain.busy() }),
    counters: routing.counters,
    snapshot: table.snapshot,
    stats: createStats({ id, ...routing, ...front, patience, drain, log: options.log ?? null }),
    close,
  };
}

interface FrontOptions {
  options: RouterOptions;
  limits: Limits;
  clock: Clock;
  drain: Drain;
  routing: Routing;
  patience: Patience;
  closing(): boolean;
}

/** What clients meet: ports, TLS, and what is done with each request. */
function createFront({ options, limits, clock, drain, routing, patience, closing }: FrontOptions) {
  const { find, table, idles } = routing;
  const hostTls = createHostTls({ find, findLive: table.find }, options.tls);
  const health = createHealth({
    clock,
    answered: (target) => patience.wake((app) => app.targets.includes(target)),
  });
  const listener = createListener({
    ...limits,
    ...{ clock, closing, health, patience },
    admit: createAdmission({ find, nobodyAt: idles.nobodyAt }),
    ended: drain.ended,
    contextFor: hostTls.contextFor,
    proofFor: hostTls.proofFor,
    answerFor: hostTls.answerFor,
    trust: createTrust(options.trustedProxies ?? []),
    proxyProtocol: options.proxyProtocol ?? false,
    log: options.log ?? null,
    standbyOf: idles.standbyOf,
  });
  return { hostTls, listener };
}

/**
 * A stream has no end of its own; all routers of a machine must not lose theirs at one instant.
 * Returns what leaves those alone whose turn has not come.
 */
function endStreams(apps: AppState[], drainMs: number): () => void {
  const streams = apps.flatMap((app) => app.targets.flatMap(streamsOn));
  const spread = Math.min(2000, drainMs / 2);
  const timers = streams.map((stream, i) =>
    setTimeout(() => stream.end(), (i * spread) / streams.length),
  );
  return () => timers.forEach((timer) => clearTimeout(timer));
}
