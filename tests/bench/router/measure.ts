import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Proxy } from "./proxies.ts";
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
  const before = cpuMicros(proxy.pid);
  const { stdout } = await run("wrk", [`-d${seconds}s`, "--latency", ...args]);
  const spent = cpuMicros(proxy.pid) - before;
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

function wrkArguments(world: World, proxy: Proxy, load: Load): string[] {
  const args = ["-t1", `-c${load.connections}`, "-H", "Host: bench.test"];
  if (load.fresh) args.push("-H", "Connection: close");
  if (load.upload) {
    const script = join(world.folder, `upload-${load.upload}.lua`);
    writeFileSync(script, `wrk.method = "PUT"\nwrk.body = string.rep("x", ${load.upload})\n`);
    args.push("-s", script);
  }
  return [...args, `http://127.0.0.1:${proxy.port}${load.path ?? "/"}`];
}

/** User and system time of a process and all its descendants so far, in µs. */
function cpuMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  let micros = (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, "latin1");
    for (const child of children.split(" ").filter(Boolean)) micros += cpuMicros(Number(child));
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
