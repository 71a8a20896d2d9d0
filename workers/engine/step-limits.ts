import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** What one step of a build may use. */
export interface StepBounds {
  /** Bytes. */
  memory?: number;
  /** Cores. */
  cpus?: number;
}

/** Where the groups of steps are made, and how one is bounded. */
export interface StepGroups {
  /** Folder of the kernel's that has a folder for each step. */
  top: string;
  /** File of a step's group to value, as the kernel takes them. */
  settings(id: string, bounds: StepBounds): [file: string, value: string][];
}

const LOOK_MS = 20;

/**
 * Bounds each step of one build as it begins. The builder does not say which build a group belongs
 * to: its processes do, by `mark` in their environment.
 */
export function limitSteps(
  groups: StepGroups,
  mark: string,
  bounds: StepBounds,
): { end(): Promise<void> } {
  const ended = new AbortController();
  const bounded = new Set<string>();

  async function look(): Promise<void> {
    const entries = await readdir(groups.top, { withFileTypes: true });
    for (const { name } of entries.filter((one) => one.isDirectory() && !bounded.has(one.name))) {
      if (!(await isMarked(join(groups.top, name), mark))) continue;
      for (const [file, value] of groups.settings(name, bounds)) await writeFile(file, value);
      bounded.add(name);
    }
  }

  const looking = (async () => {
    while (!ended.signal.aborted) {
      // A step may end at any moment, and one that holds more than it may is bounded at the next look.
      await look().catch(() => {});
      await sleep(LOOK_MS, undefined, { signal: ended.signal }).catch(() => {});
    }
  })();
  return {
    end: async () => {
      ended.abort();
      await looking;
    },
  };
}

async function isMarked(group: string, mark: string): Promise<boolean> {
  const pids = (await readFile(join(group, "cgroup.procs"), "utf8")).split("\n").filter(Boolean);
  for (const pid of pids.slice(0, 5)) {
    const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
    if (environment.includes(mark)) return true;
  }
  return false;
}
