/**
 * `npm run bench:router:tls [-- --seconds N] [--rounds N]`: what TLS and HTTP/2 cost in the router beside
 * nginx, HAProxy and Caddy, all with the same certificate (ECDSA P-256) in front of one backend in one run.
 * The proxies take turns; each figure is the median of its rounds. Needs what bench:router needs, and h2load
 * (Debian's nghttp2-client).
 */
import { parseArgs } from "node:util";
import { createIssuer } from "../../support/certificates.ts";
import { measure, measureHttp2, type Figures } from "./measure.ts";
import { startBackend, startTeal, TLS_HOST, type Proxy } from "./proxies.ts";
import { measureHandshakes } from "./resume.ts";
import { TLS_STARTS, writeCertificate } from "./tls-proxies.ts";
import { createWorld } from "./world.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "2" },
    rounds: { type: "string", default: "3" },
  },
});
const SECONDS = Number(values.seconds);
const KEPT = { name: "small GETs, 64 connections", connections: 64 };
const FRESH = { name: "a new connection per request", connections: 64, fresh: true };
const FULL = { name: "a new connection per request, 8 clients", resumed: false };
const RESUMED = { name: "a new connection per request, 8 clients, resumed", resumed: true };
const STREAMS = { name: "HTTP/2, 8 connections × 8 streams", connections: 8, streams: 8 };
const LOADS: [string, (proxy: Proxy) => Promise<Figures>][] = [
  [KEPT.name, (proxy) => measure(world, proxy, KEPT, SECONDS)],
  [FRESH.name, (proxy) => measure(world, proxy, FRESH, SECONDS)],
  [FULL.name, (proxy) => measureHandshakes(proxy, FULL, SECONDS)],
  [RESUMED.name, (proxy) => measureHandshakes(proxy, RESUMED, SECONDS)],
  [STREAMS.name, (proxy) => measureHttp2(proxy, STREAMS, SECONDS)],
];

const world = createWorld();
try {
  const backend = await startBackend(world);
  const certificate = await (await createIssuer()).issue([TLS_HOST]);
  const files = writeCertificate(world, certificate);
  const proxies: Proxy[] = [];
  for (const start of TLS_STARTS) proxies.push(await start(world, backend, files));
  proxies.push(await startTeal(world, backend, { certificate }));
  for (const [name, load] of LOADS) {
    console.log(`\nTLS, ${name}`);
    const rounds: Figures[][] = proxies.map(() => []);
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const [i, proxy] of proxies.entries()) rounds[i]?.push(await load(proxy));
    }
    for (const figures of rounds) report(figures);
  }
} finally {
  await world.close();
}

function report(rounds: Figures[]): void {
  const [{ proxy, load }] = rounds as [Figures];
  const of = (pick: (figures: Figures) => number) =>
    rounds.map(pick).toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)] as number;
  const failed = rounds.reduce((sum, figures) => sum + figures.failed, 0);
  const rate = String(of((one) => one.requestsPerSecond)).padStart(8);
  const cost = of((one) => one.cpuMicros)
    .toFixed(1)
    .padStart(8);
  const [p50, p99] = [of((one) => one.p50Ms), of((one) => one.p99Ms)];
  const times = load === STREAMS.name ? `mean ${p50} ms` : `p50 ${p50} ms, p99 ${p99} ms`;
  const bad = failed > 0 ? `, FAILED ${failed}` : "";
  console.log(`${proxy.padEnd(10)}${rate} req/s${cost} µs   ${times}${bad}`);
}
