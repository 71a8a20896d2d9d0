import type { Redis } from "ioredis";
import { channels } from "../apps/keys.ts";
import type { Counters, RouteAck, RouteEvent } from "../router/contract.ts";
import type { Acknowledged, Routers } from "./ports.ts";

interface Options {
  /** A connection that does nothing but subscribe; not closed here. */
  subscriber: Redis;
  publish(event: Extract<RouteEvent, { type: "count" }>): Promise<void>;
}

/** Listens to what the routers answer. One per worker process. */
export async function createRouters({ subscriber, publish }: Options): Promise<Routers> {
  const listeners = new Set<(ack: RouteAck) => void>();
  subscriber.on("message", (channel, text) => {
    const ack = channel === channels.routeAcks ? readAck(text) : null;
    if (ack) for (const listener of listeners) listener(ack);
  });
  await subscriber.subscribe(channels.routeAcks);
  let counted = 0;

  /** Gathers one matching answer from each of `ids`; gives up waiting after `boundMs`. */
  function gather<A extends RouteAck>(
    ids: string[],
    boundMs: number,
    matches: (ack: RouteAck) => ack is A,
  ): Promise<Map<string, A>> {
    const got = new Map<string, A>();
    if (ids.length === 0) return Promise.resolve(got);
    return new Promise((resolve) => {
      const timer = setTimeout(finish, boundMs);
      listeners.add(listen);
      function listen(ack: RouteAck) {
        if (!matches(ack) || !ids.includes(ack.router)) return;
        got.set(ack.router, ack);
        if (got.size === ids.length) finish();
      }
      function finish() {
        clearTimeout(timer);
        listeners.delete(listen);
        resolve(got);
      }
    });
  }

  type Held = Extract<RouteAck, { type: "held" }>;
  type Flipped = Extract<RouteAck, { type: "flipped" }>;
  type Count = Extract<RouteAck, { type: "count" }>;

  return {
    async awaitHeld(swap, ids, boundMs) {
      const is = (ack: RouteAck): ack is Held => ack.type === "held" && ack.swap === swap;
      const got = await gather(ids, boundMs, is);
      return ids.filter((id) => !got.has(id));
    },
    async awaitFlipped(app, version, ids, boundMs): Promise<Acknowledged> {
      const is = (ack: RouteAck): ack is Flipped =>
        ack.type === "flipped" && ack.app === app && ack.version >= version;
      const got = await gather(ids, boundMs, is);
      const acks = [...got.values()];
      return {
        silent: ids.filter((id) => !got.has(id)),
        holdMs: Math.max(0, ...acks.map((ack) => ack.holdMs)),
        heldRequests: acks.reduce((sum, ack) => sum + ack.heldRequests, 0),
        waits: acks.flatMap((ack) => ack.waits ?? []),
        draining: acks.reduce((sum, ack) => sum + (ack.draining ?? 0), 0),
      };
    },
    async counts(app, ids, boundMs) {
      const id = `${process.pid}-${++counted}`;
      const is = (ack: RouteAck): ack is Count => ack.type === "count" && ack.id === id;
      const answers = gather(ids, boundMs, is);
      await publish({ type: "count", app, id });
      return new Map<string, Counters>([...(await answers)].map(([r, ack]) => [r, ack.counters]));
    },
  };
}

/** Null for what no router says. */
function readAck(text: string): RouteAck | null {
  try {
    const ack = JSON.parse(text) as Partial<RouteAck> | null;
    return typeof ack?.type === "string" && typeof ack.router === "string"
      ? (ack as RouteAck)
      : null;
  } catch {
    return null;
  }
}
