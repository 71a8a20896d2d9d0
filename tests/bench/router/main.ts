/**
 * `npm run bench:router [-- --json FILE] [--seconds N] [--rounds N] [--only NAME,NAME] [--part PART]`: what the
 * router costs beside nginx, HAProxy, Caddy and bare http-proxy, all in front of one backend in one run. The
 * proxies take turns, and each figure is the median of its rounds, as the machine's speed drifts. PART:
 * small, loads, websockets, hosts, log or routers; without it all of them run, but small, of which loads has a row.
 */
import { existsSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { measure, type Figures, type Load } from "./measure.ts";
import {
  startBackend,
  startCaddy,
  startEcho,
  startHaproxy,
  startHttpProxy,
  startNginx,
  startTeal,
  type Proxy,
} from "./proxies.ts";
import { canHold, holdTo } from "./quota.ts";
import { measureWebSockets } from "./websockets.ts";
import { createWorld } from "./world.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    part: { type: "string" },
  },
});
const SECONDS = Number(values.seconds);
const ROUNDS = Number(values.rounds);

/** Of a core, in the part about several routers. */
const SHARE = 0.2;
const SMALL: Load = { name: "small GETs, 64 connections", connections: 64 };
const UPLOADS: Load = {
  name: "1 MiB uploads, 16 connections",
  ...{ connections: 16, path: "/upload", upload: 1_048_576 },
};
const LOADS: Load[] = [
  SMALL,
  { name: "small GETs, 1,000 connections", connections: 1000 },
  { name: "64 KiB answers, 64 connections", connections: 64, path: "/large" },
  UPLOADS,
  { name: "a new connection per request", connections: 64, fresh: true },
];
/** Its figures are messages, not requests. */
const SOCKETS: Load = { name: "WebSocket messages of 64 bytes, 64 connections", connections: 64 };
const SILENT = { policy: { accessLog: false }, name: "teal, no access log" };
const TWO = { routers: 2, name: "teal, 2 routers" };
const STARTS = {
  nginx: startNginx,
  haproxy: startHaproxy,
  caddy: startCaddy,
  "http-proxy": startHttpProxy,
  teal: startTeal,
};

const missing = ["nginx", "haproxy", "caddy", "wrk", "redis-server"].filter(
  (name) => !installed(name),
);
if (missing.length > 0) {
  console.error(`Not installed: ${missing.join(", ")}. On Debian:
  apt-get install -y --no-install-recommends nginx-light haproxy caddy wrk redis-server`);
  process.exit(2);
}

const only = values.only?.split(",");
const { part } = values;
const world = createWorld();
const all: Figures[] = [];
try {
  const backend = await startBackend(world);
  all.push(
    await measure(world, { name: "(none)", pid: process.pid, port: backend }, SMALL, SECONDS),
  );
  if (part === "small") await inTurns(await startAll(backend), SMALL);
  if (runs("loads")) await loads(backend);
  if (runs("websockets")) await inTurns(await startAll(await startEcho(world)), SOCKETS);
  if (runs("hosts")) await inTurns(await tables(backend), { ...SMALL, name: "hosts in the table" });
  if (runs("log")) await inTurns(await logs(backend), { ...SMALL, name: "access log" });
  if (runs("routers")) await scaling(backend);
} finally {
  await world.close();
}
const machine = `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB`;
console.log(`\n${machine}, Node ${process.version}`);
if (values.json) {
  writeFileSync(
    values.json,
    `${JSON.stringify({ machine, node: process.version, all }, null, 2)}\n`,
  );
}

function runs(name: string): boolean {
  return part === undefined || part === name;
}

async function startAll(backend: number): Promise<Proxy[]> {
  const proxies: Proxy[] = [];
  for (const [name, start] of Object.entries(STARTS)) {
    if (!only || only.includes(name)) proxies.push(await start(world, backend));
  }
  return proxies;
}

async function loads(backend: number): Promise<void> {
  const proxies = await startAll(backend);
  const more = new Map<Load, Proxy>();
  if (!only || only.includes("teal")) {
    // None of the others writes an access log here, and Caddy takes all cores.
    more.set(SMALL, await startTeal(world, backend, SILENT));
    more.set(UPLOADS, await startTeal(world, backend, TWO));
  }
  for (const load of LOADS) {
    const also = more.get(load);
    await inTurns(also ? [...proxies, also] : proxies, load);
  }
}

async function tables(backend: number): Promise<Proxy[]> {
  const proxies: Proxy[] = [];
  for (const hosts of [1, 100, 10_000]) {
    proxies.push(await startTeal(world, backend, { hosts, name: `teal, ${hosts} hosts` }));
  }
  return proxies;
}

/** What a line in the access log costs. */
async function logs(backend: number): Promise<Proxy[]> {
  return [await startTeal(world, backend), await startTeal(world, backend, SILENT)];
}

/**
 * Each router process is held to a fifth of a core, so that they are what runs out, and not the
 * cores that they share with the backend and the client.
 */
async function scaling(backend: number): Promise<void> {
  const proxies: Proxy[] = [];
  for (const routers of [1, 2]) {
    proxies.push(await startTeal(world, backend, { routers, name: `TEAL_ROUTERS=${routers}` }));
  }
  await inTurns(proxies, { ...SMALL, name: "router processes" });
  if (!canHold())
    return console.log("Not held to a share of a core: needs root and cgroup version 1");
  const free = holdTo(
    SHARE,
    proxies.flatMap(({ pid, more = [] }) => [pid, ...more]),
  );
  await inTurns(proxies, { ...SMALL, name: `router processes, ${SHARE} of a core each` });
  const [one, two] = all.slice(-2) as [Figures, Figures];
  console.log(`two / one: ${(two.requestsPerSecond / one.requestsPerSecond).toFixed(2)}`);
  for (const { pid, more = [] } of proxies) {
    for (const each of [pid, ...more]) await world.stop(each);
  }
  await free();
}

async function inTurns(of: Proxy[], load: Load): Promise<void> {
  console.log(`\n${load.name}`);
  const rounds: Figures[][] = of.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, proxy] of of.entries()) {
      rounds[i]?.push(
        load === SOCKETS
          ? await measureWebSockets(proxy, load, SECONDS)
          : await measure(world, proxy, load, SECONDS),
      );
    }
  }
  for (const figures of rounds) report(median(figures));
}

function median(rounds: Figures[]): Figures {
  const [first] = rounds as [Figures];
  const of = (pick: (figures: Figures) => number) =>
    rounds.map(pick).toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)] as number;
  return {
    proxy: first.proxy,
    load: first.load,
    requestsPerSecond: of((figures) => figures.requestsPerSecond),
    cpuMicros: of((figures) => figures.cpuMicros),
    p50Ms: of((figures) => figures.p50Ms),
    p99Ms: of((figures) => figures.p99Ms),
    failed: rounds.reduce((sum, figures) => sum + figures.failed, 0),
  };
}

function report(figures: Figures): void {
  all.push(figures);
  const { proxy, load, requestsPerSecond, cpuMicros, p50Ms, p99Ms, failed } = figures;
  const unit = load === SOCKETS.name ? "msg/s" : "req/s";
  console.log(
    `${proxy.padEnd(20)}${String(requestsPerSecond).padStart(8)} ${unit}${cpuMicros.toFixed(1).padStart(8)} µs` +
      `   p50 ${p50Ms} ms, p99 ${p99Ms} ms${failed > 0 ? `, FAILED ${failed}` : ""}`,
  );
}

function installed(name: string): boolean {
  const folders = `${process.env["PATH"]}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  return folders.some((folder) => existsSync(join(folder, name)));
}
