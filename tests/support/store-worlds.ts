import { channels, keys } from "../../apps/keys.ts";
import { createRedisStore } from "../../apps/store-redis.ts";
import type { Claim, Store, Swap } from "../../apps/store.ts";
import type { Deploy, Instance, Intent } from "../../apps/types.ts";
import type { RouteEvent, RouterReport } from "../../router/contract.ts";
import { createMemoryStore } from "./memory-store.ts";
import { startRedis } from "./redis.ts";

/** A store and what surrounds it, for tests that drive several implementations alike. */
export interface World {
  name: string;
  store: Store;
  /** Lets time pass for all that runs out by itself. */
  elapse(ms: number): Promise<void>;
  heartbeat(report: RouterReport, leaseLeftMs: number): Promise<void>;
  /** All route events since the world began. */
  events(): Promise<RouteEvent[]>;
}

const HOUR = 3_600_000;
export const LEASE_MS = 1000 * HOUR;
export const SWAP_TIMES = { commitMs: HOUR, holdMs: 2 * HOUR };

export function memoryWorld(): World {
  let time = 1_000_000;
  const events: RouteEvent[] = [];
  const store = createMemoryStore({ now: () => time, publish: (event) => events.push(event) });
  return {
    name: "memory",
    store,
    async elapse(ms) {
      time += ms;
    },
    async heartbeat(report, leaseLeftMs) {
      store.heartbeat(report, time + leaseLeftMs);
    },
    async events() {
      return [...events];
    },
  };
}

/** One redis-server for a whole test file; `world` empties it. */
export async function startRedisWorlds() {
  const server = await startRedis();
  const redis = server.connect();
  const subscriber = server.connect();
  let events: RouteEvent[] = [];
  let marks = 0;
  let seen = (_mark: string) => {};
  subscriber.on("message", (_channel, json) => {
    const event = JSON.parse(json) as RouteEvent;
    if (event.type === "count" && event.app === "-") seen(event.id);
    else events.push(event);
  });
  await subscriber.subscribe(channels.routeEvents);

  /** All that was published before this call has come. */
  const settle = async () => {
    const mark = String((marks += 1));
    const come = new Promise<void>((resolve) => {
      seen = (id) => {
        if (id === mark) resolve();
      };
    });
    const event: RouteEvent = { type: "count", app: "-", id: mark };
    await redis.publish(channels.routeEvents, JSON.stringify(event));
    await come;
  };
  const world = async (): Promise<World> => {
    await redis.flushall();
    await settle();
    events = [];
    return {
      name: "redis",
      store: createRedisStore(redis),
      async elapse(ms) {
        for (const key of await redis.keys("*")) {
          const left = await redis.pttl(key);
          // below 1: expired at once; keys without an end have -1
          if (left > 0) await redis.pexpire(key, Math.max(0, left - ms));
        }
      },
      async heartbeat(report, leaseLeftMs) {
        await redis.zadd(keys.routers, Date.now() + leaseLeftMs, report.id);
        await redis.set(keys.router(report.id), JSON.stringify(report));
      },
      async events() {
        await settle();
        return [...events];
      },
    };
  };
  return { server, redis, world };
}

export const push = (app: string, more: Partial<Intent> = {}): Intent => ({
  app,
  kind: "push",
  commit: "c0ffee".padEnd(40, "0"),
  ref: "refs/heads/main",
  by: "ann",
  why: "git push",
  ...more,
});

export const rollback = (app: string): Intent => ({
  app,
  kind: "rollback",
  toRelease: 1,
  by: "bob",
  why: "it broke",
});

/** A deploy that is about to swap: claimed, its release made, one healthy web instance. */
export interface Ready {
  claim: Claim;
  deploy: Deploy;
  instance: Instance;
  swap: Swap;
}

/** Requests and claims a deploy and takes it to the point of no return; the app has nothing else to do. */
export async function makeReady(
  store: Store,
  intent: Intent,
  config: Record<string, string> = {},
): Promise<Ready> {
  await store.requestDeploy(intent);
  const taken = await store.claim(intent.app, "ready", LEASE_MS);
  if (!taken) throw new Error(`${intent.app} has a lease`);
  const { claim, deploy } = taken;
  const app = await store.getApp(intent.app);
  const colour = app?.live?.colour === "blue" ? "green" : "blue";
  const release = await store.createRelease(claim, {
    deploy: deploy.id,
    kind: deploy.kind,
    commit: deploy.commit ?? "c0ffee".padEnd(40, "0"),
    image: "sha256:1",
    imageBytes: 12_345_678_901,
    processes: { web: "" },
    formation: {},
    config,
    port: 5000,
    by: deploy.by,
    why: deploy.why,
  });
  const id = `teal-${deploy.id}-web-1`;
  await store.recordInstances(claim, [
    { id, deploy: deploy.id, release: release.n, colour, process: "web", index: 1 },
  ]);
  await store.advanceInstance(claim, id, "healthy", { host: "10.213.0.2", port: 5000 });
  const instance = (await store.listInstances(intent.app)).find((it) => it.id === id) as Instance;
  const swap: Swap = {
    id: `swap-${deploy.id}`,
    deploy: deploy.id,
    release: release.n,
    colour,
    startedBy: deploy.id,
    targets: [id],
    expectedVersion: app?.routeVersion ?? 0,
    hosts: [`${intent.app}.localhost`],
    drainMs: 30_000,
  };
  return { claim, deploy, instance, swap };
}

/** A whole deploy, live and released. */
export async function makeLive(store: Store, intent: Intent): Promise<Ready> {
  const ready = await makeReady(store, intent);
  await store.prepareSwap(ready.claim, ready.deploy.id, ready.swap.id, SWAP_TIMES);
  await store.commitSwap(ready.claim, ready.swap);
  await store.finishDeploy(ready.claim, ready.deploy.id, "live");
  await store.release(ready.claim);
  return ready;
}
