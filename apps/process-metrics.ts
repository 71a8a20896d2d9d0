import { hostname } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { keys } from "./keys.ts";

/** What a process of the platform takes up. */
export interface ProcessSample {
  /** `web`, `worker` */
  kind: string;
  host: string;
  pid: number;
  /** ms since the epoch */
  at: number;
  startedAt: number;
  residentBytes: number;
  heapBytes: number;
  /** Of processor time since its start. */
  cpuSeconds: number;
  /** Time that the event loop was late by since the sample before, its 99th percentile. */
  loopDelaySeconds: number;
}

const EVERY_MS = 10_000;
/** A process that has said nothing for so long is gone. */
const GONE_MS = 35_000;

/** Writes what this process takes up to the store every ten seconds, until `signal`; then it is gone. */
export async function reportProcess(
  redis: Redis,
  kind: string,
  signal: AbortSignal,
): Promise<void> {
  const loop = monitorEventLoopDelay({ resolution: 20 });
  loop.enable();
  const field = `${kind} ${hostname()} ${process.pid}`;
  while (!signal.aborted) {
    await redis.hset(keys.processes, field, JSON.stringify(sample(kind, loop))).catch(() => {});
    loop.reset();
    await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
  }
  loop.disable();
  await redis.hdel(keys.processes, field).catch(() => {});
}

/** The newest sample of each process that is there. */
export async function readProcesses(redis: Redis): Promise<ProcessSample[]> {
  const all = Object.entries(await redis.hgetall(keys.processes));
  const samples = all.map(([field, json]) => ({
    field,
    sample: JSON.parse(json) as ProcessSample,
  }));
  const isGone = ({ sample: { at } }: { sample: ProcessSample }) => at < Date.now() - GONE_MS;
  const gone = samples.filter(isGone).map(({ field }) => field);
  if (gone.length > 0) await redis.hdel(keys.processes, ...gone);
  return samples.filter((one) => !isGone(one)).map((one) => one.sample);
}

function sample(kind: string, loop: ReturnType<typeof monitorEventLoopDelay>): ProcessSample {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  const at = Date.now();
  const delay = loop.percentile(99) / 1e9;
  return {
    ...{ kind, host: hostname(), pid: process.pid, at },
    startedAt: Math.round(at - process.uptime() * 1000),
    ...{ residentBytes: rss, heapBytes: heapUsed },
    cpuSeconds: (user + system) / 1e6,
    loopDelaySeconds: Number.isFinite(delay) ? delay : 0,
  };
}
