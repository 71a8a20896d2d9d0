import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Platform } from "../support/platform.ts";

const PROCESSES = ["redis", "web", "worker-1", "router-1"];

/** Proportional set size, kB: shared pages counted once over all processes (proc(5), smaps_rollup). */
function pss(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss: +(\d+) kB/m.exec(text)?.[1] ?? Number.NaN);
}

/** MB per process after half a minute of rest, one router as by default; `total` over them. */
export async function idleMemory(platform: Platform): Promise<Record<string, number>> {
  await sleep(30_000);
  const all = PROCESSES.map((name): [string, number] => {
    const pid = platform.pid(name);
    return [name, pid === undefined ? Number.NaN : Math.round(pss(pid) / 1024)];
  });
  return { ...Object.fromEntries(all), total: all.reduce((sum, [, mb]) => sum + mb, 0) };
}
