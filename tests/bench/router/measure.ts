import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { TLS_HOST, type Proxy } from "./proxies.ts";
import type { World } from "./world.ts";

export interface Load {
  name: string;
  connections: number;
  path?: string;
  /** Bytes of a body to send with each request. */
  upload?: number;
  /** A new connection for each request. */
  fresh?: boolean;
}

export interface Figures {
  proxy: string;
  load: string;
  requestsPerSecond: number;
  /** Processor time of the proxy's processes per request, in µs. */
  cpuMicros: number;
  p50Ms: number;
  p99Ms: number;
  /** Answers that were not 2xx, and connections that broke. */
  failed: number;
}

/** Of /proc/PID/stat: 100 per second on every Linux that Node runs on. */
const TICK_MICROS = 10_000;
const run = promisify(execFile);

/** Loads a proxy for `seconds` with wrk, after half a second of the same to warm it up. */
export async function measure(
  world: World,
  proxy: Proxy,
  load: Load,
  seconds: number,
): Promise<Figures> {
  const args = wrkArguments(world, proxy, load);
  await run("wrk", ["-d1s", ...args]);
  const before = cpuMicros(proxy);
  const { stdout } = await run("wrk", [`-d${seconds}s`, "--latency", ...args]);
  const spent = cpuMicros(proxy) - before;
  const requests = number(stdout, /(\d+) requests in/);
  return {
    proxy: proxy.name,
    load: load.name,
    requestsPerSecond: Math.round(number(stdout, /Requests\/sec:\s+([\d.]+)/)),
    cpuMicros: Math.round((spent / Math.max(requests, 1)) * 10) / 10,
    p50Ms: milliseconds(stdout, "50%"),
    p99Ms: milliseconds(stdout, "99%"),
    failed:
      sum(stdout, /(?:connect|read|write|timeout) (\d+)/g) + sum(stdout, /Non-2xx[^:]*: (\d+)/g),
  };
}

/** The same over HTTP/2 with h2load, which tells no percentiles: its means stand for them. */
export async function measureHttp2(
  proxy: Proxy,
  load: { name: string; connections: number; streams: number },
  seconds: number,
): Promise<Figures> {
  const url = `https://${TLS_HOST}:${proxy.port}/`;
  const args = [`-c${load.connections}`, `-m${load.streams}`, url];
  await run("h2load", ["-D1", ...args]);
  const before = cpuMicros(proxy);
  const { stdout } = await run("h2load", [`-D${seconds}`, ...args]);
  const spent = cpuMicros(proxy) - before;
  const done = number(stdout, /(\d+) 2xx/);
  const mean = /time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)/.exec(stdout);
  const scale = { us: 0.001, ms: 1, s: 1000 }[mean?.[2] as "us" | "ms" | "s"];
  const ms = Math.round(Number(mean?.[1]) * scale * 100) / 100;
  return {
    proxy: proxy.name,
    load: load.name,
    requestsPerSecond: Math.round(done / seconds),
    cpuMicros: Math.round((spent / Math.max(done, 1)) * 10) / 10,
    p50Ms: ms,
    p99Ms: ms,
    failed: number(stdout, /(\d+) failed/) + sum(stdout, /(\d+) [345]xx/g),
  };
}

function wrkArguments(world: World, proxy: Proxy, load: Load): string[] {
  const args = [
    "-t1",
    `-c${load.connections}`,
    "-H",
    `Host: ${proxy.secure ? TLS_HOST : "bench.test"}`,
  ];
  if (load.fresh) args.push("-H", "Connection: close");
  if (load.upload) {
    const script = join(world.folder, `upload-${load.upload}.lua`);
    writeFileSync(script, `wrk.method = "PUT"\nwrk.body = string.rep("x", ${load.upload})\n`);
    args.push("-s", script);
  }
  const origin = proxy.secure ? `https://${TLS_HOST}` : "http://127.0.0.1";
  return [...args, `${origin}:${proxy.port}${load.path ?? "/"}`];
}

/** User and system time of a proxy's processes so far, in µs. */
export function cpuMicros({ pid, more = [] }: Proxy): number {
  return [pid, ...more].reduce((all, each) => all + cpuMicrosOf(each), 0);
}

/** Of a process and all its descendants. */
function cpuMicrosOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  let micros = (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, "latin1");
    for (const child of children.split(" ").filter(Boolean)) micros += cpuMicrosOf(Number(child));
  }
  return micros;
}

function number(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}

function sum(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].reduce((all, match) => all + Number(match[1]), 0);
}

function milliseconds(text: string, percentile: string): number {
  const match = new RegExp(`${percentile}\\s+([\\d.]+)(us|ms|s)`).exec(text);
  const scale = { us: 0.001, ms: 1, s: 1000 }[match?.[2] as "us" | "ms" | "s"];
  return Math.round(Number(match?.[1]) * scale * 100) / 100;
}
