/**
 * `npm run bench:router [-- --json FILE] [--seconds N] [--only NAME,NAME] [--quick]`: what the
 * router costs beside nginx, HAProxy, Caddy and bare http-proxy, all in front of one backend in one run.
 */
import { existsSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { measure, type Figures, type Load } from "./measure.ts";
import {
  startBackend,
  startCaddy,
  startHaproxy,
  startHttpProxy,
  startNginx,
  startTeal,
} from "./proxies.ts";
import { createWorld } from "./world.ts";

const { values } = parseArgs({
  options: {
    json: { type: "string" },
    seconds: { type: "string", default: "3" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});
const SECONDS = Number(values.seconds);

const SMALL: Load = { name: "small GETs, 64 connections", connections: 64 };
const LOADS: Load[] = [
  SMALL,
  { name: "small GETs, 1,000 connections", connections: 1000 },
  { name: "64 KiB answers, 64 connections", connections: 64, path: "/large" },
  { name: "1 MiB uploads, 16 connections", connections: 16, upload: 1_048_576 },
  { name: "a new connection per request", connections: 64, fresh: true },
];
const HOSTS = [1, 100, 10_000];
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
const world = createWorld();
const all: Figures[] = [];
try {
  const backend = await startBackend(world);
  all.push(
    await measure(world, { name: "(none)", pid: process.pid, port: backend }, SMALL, SECONDS),
  );
  const proxies = [];
  for (const [name, start] of Object.entries(STARTS)) {
    if (!only || only.includes(name)) proxies.push(await start(world, backend));
  }
  for (const load of values.quick ? [SMALL] : LOADS) {
    console.log(`\n${load.name}`);
    for (const proxy of proxies) report(await measure(world, proxy, load, SECONDS));
  }
  if (!values.quick && (!only || only.includes("teal"))) {
    console.log("\nhosts in the table, small GETs, 64 connections");
    for (const hosts of HOSTS) {
      const proxy = await startTeal(world, backend, hosts);
      report(await measure(world, proxy, { ...SMALL, name: `${hosts} hosts` }, SECONDS));
      await world.stop(proxy.pid);
    }
  }
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

function report(figures: Figures): void {
  all.push(figures);
  const { proxy, requestsPerSecond, cpuMicros, p50Ms, p99Ms, failed } = figures;
  console.log(
    `${proxy.padEnd(20)}${String(requestsPerSecond).padStart(8)} req/s${cpuMicros.toFixed(1).padStart(8)} µs` +
      `   p50 ${p50Ms} ms, p99 ${p99Ms} ms${failed > 0 ? `, FAILED ${failed}` : ""}`,
  );
}

function installed(name: string): boolean {
  const folders = `${process.env["PATH"]}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter);
  return folders.some((folder) => existsSync(join(folder, name)));
}
