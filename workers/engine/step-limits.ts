import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BuildGroups, GroupFolders, StepBounds } from "./build-groups.ts";

export interface StepLimits {
  /** True when a step of the build was found and bounded. */
  found(): boolean;
  end(): Promise<void>;
}

const LOOK_MS = 20;

/**
 * Bounds each step of one build as it begins. The builder does not say which build a group belongs
 * to: its processes do, by `mark` in their environment.
 */
export function limitSteps(
  { steps, groupOf }: BuildGroups,
  mark: string,
  bounds: StepBounds,
): StepLimits {
  const ended = new AbortController();
  const bounded = new Set<string>();

  async function lookIn(top: GroupFolders): Promise<void> {
    const entries = await readdir(top.memory, { withFileTypes: true });
    for (const { name } of entries.filter((one) => one.isDirectory() && steps.isStep(one.name))) {
      const folders = { memory: join(top.memory, name), cpu: join(top.cpu, name) };
      if (bounded.has(name) || !(await isMarked(folders.memory, mark))) continue;
      await groupOf(folders).set(bounds);
      bounded.add(name);
    }
  }

  const looking = (async () => {
    while (!ended.signal.aborted) {
      // A step may end at any moment, and one that holds more than it may is bounded at the next look.
      for (const top of steps.tops) await lookIn(top).catch(() => {});
      await sleep(LOOK_MS, undefined, { signal: ended.signal }).catch(() => {});
    }
  })();
  return {
    found: () => bounded.size > 0,
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
