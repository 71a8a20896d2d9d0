import type { Redis } from "ioredis";
import type { Route, RouteAck, RouteEvent } from "./contract.ts";
import { isRouteEvent, parseIdle, parseRoute } from "./contract-check.ts";
import type { Router } from "./server.ts";
import { Late, within } from "./within.ts";

/** What the link needs of the platform's key and channel names. */
export interface LinkNames {
  routeEvents: string;
  routeAcks: string;
  routes: string;
  routesSeq: string;
  idles: string;
  idlesSeq: string;
  routers: string;
  router(id: string): string;
  prepared(app: string): string;
}

export interface LinkLog {
  info(about: object, says: string): void;
  warn(about: object, says: string): void;
}

export interface LinkOptions {
  id: string;
  names: LinkNames;
  redis: Redis;
  /** A connection of its own, for the subscription. Both are closed by `close`. */
  subscriber: Redis;
  leaseMs: number;
  router(): Pick<Router, "apply" | "force" | "forget" | "setIdles" | "report" | "snapshot">;
  /** `routesSeq` of the table that the router started with. */
  seq: number;
  log: LinkLog;
}

export interface Link {
  /** Resolves once the router is in step with the store for the first time. */
  readonly inStep: Promise<void>;
  ack(ack: RouteAck): void;
  reread(app: string): Promise<Route | null>;
  /** Sends a report soon. */
  tell(): void;
  /** The store's `routesSeq` that the table is in step with. */
  seq(): number;
  /** Gives the lease back and ends both connections. */
  close(): Promise<void>;
}

const REREAD_MS = 300;
const STORE_MS = 2000;
const TELL_MS = 10;
const AGAIN_MS = 200;
/** A report is kept this long after its lease, for those who must know what the router last did. */
const REPORT_MS = 3_600_000;

/*
 * in:  KEYS routers, router's report, routesSeq; ARGV id, lease ms, report JSON, report's life ms
 * out: routesSeq
 */
const HEARTBEAT = `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call("ZADD", KEYS[1], now + ARGV[2], ARGV[1])
redis.call("ZREMRANGEBYSCORE", KEYS[1], "-inf", now - ARGV[4])
redis.call("SET", KEYS[2], ARGV[3], "PX", ARGV[4])
return redis.call("GET", KEYS[3])
`;

/**
 * The router's side of the store: events, acknowledgements, lease. It reconnects for ever and no
 * failure of the store leaves it; meanwhile the router serves what it knows.
 */
export function createLink(options: LinkOptions): Link {
  const { id, names, redis, subscriber, leaseMs, log } = options;
  const first = Promise.withResolvers<void>();
  let seq = options.seq;
  let closed = false;
  let beating = false;
  let soon: NodeJS.Timeout | undefined;
  let reading: Promise<void> | null = null;

  subscriber.on("message", (channel, text) => {
    if (channel !== names.routeEvents) return;
    const event = parse(text);
    if (event) options.router().apply(event);
  });
  subscriber.on("ready", () => void attach());
  void attach();
  const pulse = setInterval(() => void beat(), leaseMs / 3);

  // The subscription comes first: what changes during the reading is then heard.
  async function attach(): Promise<void> {
    if (closed || subscriber.status !== "ready") return;
    try {
      await subscriber.subscribe(names.routeEvents);
      await beat();
      await read();
      await joinPrepared();
      first.resolve();
    } catch (error) {
      log.warn({ error: String(error) }, "the store was lost while the routes were read");
      setTimeout(() => void attach(), AGAIN_MS);
    }
  }

  async function beat(): Promise<void> {
    if (beating || closed) return;
    beating = true;
    try {
      const report = JSON.stringify(options.router().report());
      const keys = [names.routers, names.router(id), names.routesSeq];
      const sent = redis.eval(HEARTBEAT, 3, ...keys, id, leaseMs, report, REPORT_MS);
      const [now] = await within(Promise.all([sent, subscriber.ping()]), STORE_MS);
      if (Number(now ?? 0) !== seq) await read();
    } catch (error) {
      // A peer that went without a word would otherwise never be noticed.
      if (error instanceof Late) for (const each of [redis, subscriber]) each.disconnect(true);
    } finally {
      beating = false;
    }
  }

  function read(): Promise<void> {
    reading ??= readRoutes().finally(() => {
      reading = null;
    });
    return reading;
  }

  async function readRoutes(): Promise<void> {
    const router = options.router();
    const before = router.report().acks;
    const answer = await within(
      redis
        .multi()
        .get(names.routesSeq)
        .hgetall(names.routes)
        .get(names.idlesSeq)
        .hgetall(names.idles)
        .exec(),
      STORE_MS,
    );
    if (!answer || closed) return;
    const now = Number(answer[0]?.[1] ?? 0);
    const stored = answer[1]?.[1] as Record<string, string>;
    const anew = now < seq;
    if (anew)
      log.warn({ was: seq, now }, "the store has lost routes; apps it does not know are served on");
    for (const [app, text] of Object.entries(stored)) {
      const route = parseRoute(text);
      if (!route) log.warn({ app }, "the store holds a route that cannot be read");
      else if (anew && before[app] !== route.version) router.force(route);
      else if (route.version > (before[app] ?? 0)) router.apply({ type: "route", route });
    }
    for (const route of router.snapshot().routes) {
      const { app, version } = route;
      if (Object.hasOwn(stored, app)) continue;
      // At version 0 it is served on, and the first route that the store tells of it is newer.
      if (anew) router.force({ ...route, version: 0 });
      // One that came or changed during the reading was not there to be read.
      else if (version > 0 && before[app] === version) router.forget(app);
    }
    const idles = Object.values(answer[3]?.[1] as Record<string, string>).map(parseIdle);
    const known = idles.filter((idle) => idle !== null);
    router.setIdles(known, { seq: Number(answer[2]?.[1] ?? 0), anew });
    seq = now;
  }

  /** A router that comes in the middle of a swap holds like the others. */
  async function joinPrepared(): Promise<void> {
    const router = options.router();
    const { routes } = router.snapshot();
    if (routes.length === 0) return;
    const pipeline = redis.pipeline();
    for (const { app } of routes) pipeline.get(names.prepared(app)).pttl(names.prepared(app));
    const answers = await within(pipeline.exec(), STORE_MS);
    const { acks } = router.report();
    routes.forEach(({ app, version }, i) => {
      const swap = answers?.[2 * i]?.[1];
      const leftMs = Number(answers?.[2 * i + 1]?.[1] ?? 0);
      if (typeof swap !== "string" || leftMs <= 0 || acks[app] !== version) return;
      router.apply({ type: "prepare", app, swap, holdMs: leftMs + REREAD_MS });
    });
  }

  return {
    inStep: first.promise,
    ack(ack) {
      redis.publish(names.routeAcks, JSON.stringify(ack)).catch(() => undefined);
    },
    async reread(app) {
      const text = await within(redis.hget(names.routes, app), REREAD_MS);
      return text === null ? null : parseRoute(text);
    },
    tell() {
      soon ??= setTimeout(() => {
        soon = undefined;
        void beat();
      }, TELL_MS);
    },
    seq: () => seq,
    async close() {
      closed = true;
      clearInterval(pulse);
      clearTimeout(soon);
      const left = redis.multi().zrem(names.routers, id).del(names.router(id)).exec();
      await within(left, STORE_MS).catch(() => undefined);
      redis.disconnect();
      subscriber.disconnect();
    },
  };

  function parse(text: string): RouteEvent | null {
    try {
      const event: unknown = JSON.parse(text);
      if (!isRouteEvent(event)) throw new Error(`no event: ${text.slice(0, 200)}`);
      return event;
    } catch (error) {
      log.warn({ error: String(error) }, "an event that cannot be read");
      return null;
    }
  }
}
