import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { ExecutionContext } from "ava";
import { channels, keys } from "../../apps/keys.ts";
import type { Route, RouteAck, RouteEvent, RouterReport } from "../../router/contract.ts";
import { deadPort, eventually } from "./router-rig.ts";
import { compileCache } from "./run-cli.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

export interface RouterProcess {
  child: ChildProcess;
  /** Its log so far. */
  log(): string;
}

export interface Routers {
  port: number;
  tlsPort: number;
  home: string;
  redis: Redis;
  acks: RouteAck[];
  /** Starts `router/main.ts` and waits until it listens. */
  start(index: number): Promise<RouterProcess>;
  startRedis(): Promise<void>;
  stopRedis(signal?: NodeJS.Signals): Promise<void>;
  reports(): Promise<RouterReport[]>;
  publish(event: RouteEvent): Promise<void>;
  /** Writes a route and tells it, in one step, as the store does. */
  commit(route: Route, swap?: string): Promise<void>;
}

/** A home, a port and a redis-server that keeps its data, for router processes. */
export async function routerWorld(t: ExecutionContext): Promise<Routers> {
  const home = await mkdtemp(join(tmpdir(), "teal-routers-"));
  const socket = join(home, "redis.sock");
  const children = new Set<ChildProcess>();
  const acks: RouteAck[] = [];
  let server: ChildProcess | undefined;
  const port = await deadPort();
  const tlsPort = await deadPort();

  const connect = () => {
    const made = new Redis({
      path: socket,
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
      lazyConnect: true,
    });
    made.on("error", () => undefined);
    return made;
  };
  const redis = connect();
  const subscriber = connect();
  subscriber.on("message", (_channel, text) => acks.push(JSON.parse(text) as RouteAck));

  t.teardown(async () => {
    redis.disconnect();
    subscriber.disconnect();
    for (const child of children) await stop(child, "SIGKILL");
    await rm(home, { recursive: true, force: true });
  });

  async function startRedis(): Promise<void> {
    const args = [
      "--port",
      "0",
      "--unixsocket",
      socket,
      "--dir",
      home,
      "--save",
      "",
      "--appendonly",
      "yes",
    ];
    server = spawn("redis-server", [...args, "--appendfsync", "always"], { stdio: "ignore" });
    children.add(server);
    await redis.ping();
    await subscriber.subscribe(channels.routeAcks);
  }

  async function start(index: number): Promise<RouterProcess> {
    const child = spawn(process.execPath, ["--no-deprecation", "router/main.ts"], {
      cwd: ROOT,
      env: {
        PATH: process.env["PATH"],
        ...compileCache(),
        TEAL_HOME: home,
        TEAL_REDIS_URL: `unix://${socket}`,
        TEAL_ROUTER_PORT: String(port),
        TEAL_ROUTER_TLS_PORT: String(tlsPort),
        TEAL_BIND: "127.0.0.1",
        TEAL_ROUTER_LEASE: "1.5",
        TEAL_DRAIN: "5",
        TEAL_PROCESS_INDEX: String(index),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    children.add(child);
    let log = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk) => (log += String(chunk)));
    await eventually(
      () => log.includes('"routing"') || child.exitCode !== null,
      () => `a router; its log: ${log}`,
    );
    return { child, log: () => log };
  }

  return {
    ...{ port, tlsPort, home, redis, acks, start, startRedis },
    async stopRedis(signal = "SIGTERM") {
      if (server) await stop(server, signal);
    },
    async reports() {
      const ids = await redis.zrangebyscore(keys.routers, Date.now(), "+inf");
      const texts = await Promise.all(ids.map((id) => redis.get(keys.router(id))));
      return texts.flatMap((text) => (text === null ? [] : [JSON.parse(text) as RouterReport]));
    },
    async publish(event) {
      await redis.publish(channels.routeEvents, JSON.stringify(event));
    },
    async commit(route, swap) {
      const event: RouteEvent = { type: "route", route, ...(swap === undefined ? {} : { swap }) };
      await redis
        .multi()
        .hset(keys.routes, route.app, JSON.stringify(route))
        .del(keys.prepared(route.app))
        .incr(keys.routesSeq)
        .publish(channels.routeEvents, JSON.stringify(event))
        .exec();
    },
  };
}

export async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}
