import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const PERIOD_US = 20_000;
/** Of cgroup version 1. */
const CPU = "/sys/fs/cgroup/cpu";

/** Whether this machine can hold processes to a share of a core as `holdTo` does: cgroup version 1, as root. */
export function canHold(): boolean {
  return existsSync(join(CPU, "cpu.cfs_quota_us")) && process.getuid?.() === 0;
}

/**
 * Holds each of the processes to a share of one core, each for itself.
 * @returns takes the groups away, once the processes have ended
 */
export function holdTo(share: number, pids: readonly number[]): () => Promise<void> {
  const groups = pids.map((pid) => {
    const group = join(CPU, `teal-bench-${pid}`);
    mkdirSync(group);
    writeFileSync(join(group, "cpu.cfs_period_us"), String(PERIOD_US));
    writeFileSync(join(group, "cpu.cfs_quota_us"), String(Math.round(PERIOD_US * share)));
    writeFileSync(join(group, "cgroup.procs"), String(pid));
    return group;
  });
  return async () => {
    for (const group of groups) {
      for (let tries = 0; tries < 50; tries++) {
        try {
          rmdirSync(group);
          break;
        } catch {
          await sleep(20);
        }
      }
    }
  };
}
