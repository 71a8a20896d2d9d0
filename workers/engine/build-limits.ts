import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type Docker from "dockerode";
import type { Log } from "../../apps/log.ts";
import { retryEngine } from "./retry.ts";
import { limitSteps, type StepBounds, type StepGroups } from "./step-limits.ts";

/** What all builds of this machine together may use. */
export interface BuildBounds {
  /** Bytes. */
  memory: number;
  /** Cores; null: what nobody else wants. */
  cpus: number | null;
}

export interface BuildWatch {
  /** True when a build was killed for want of memory since the watch began. */
  ranOut(): Promise<boolean>;
  end(): Promise<void>;
}

export interface BuildLimits {
  /**
   * Sets the bounds and begins to watch. Where the engine's builds cannot be bounded it does nothing.
   * @param own of this build's steps, which have `mark` in their environment
   */
  begin(own?: StepBounds & { mark: string }): Promise<BuildWatch>;
  memory: number;
}

const GROUPS = "/sys/fs/cgroup";
/** BuildKit in the engine takes no limits for one build, but runs all of them below this group. */
const BUILDS = "docker/buildkit";
/** A container has 1024 (or a weight of 100): builds get a quarter of that when both want the processor. */
const SHARES = "256";
const WEIGHT = "25";
const PERIOD_US = 100_000;

/**
 * Bounds for builds by the group that the engine's builder runs them in. One group for the whole
 * machine: whoever builds last has set it.
 */
export function createBuildLimits(
  docker: Docker,
  bounds: BuildBounds,
  log: Pick<Log, "warn" | "info">,
): BuildLimits {
  let said = false;
  return {
    memory: bounds.memory,
    async begin(own) {
      try {
        const group = await findGroup(docker);
        await group.set(bounds);
        const before = await group.kills();
        const steps = own && limitSteps(group.steps, own.mark, own);
        return {
          ranOut: async () => (await group.kills()) > before,
          end: async () => steps?.end(),
        };
      } catch (error) {
        if (!said) log.warn({ error: String(error) }, "builds have no limits on this machine");
        said = true;
        return { ranOut: async () => false, end: async () => {} };
      }
    },
  };
}

interface Group {
  set(bounds: BuildBounds): Promise<void>;
  /** How often the kernel had to refuse memory. */
  kills(): Promise<number>;
  steps: StepGroups;
}

async function findGroup(docker: Docker): Promise<Group> {
  const { CgroupDriver: driver } = (await retryEngine(() => docker.info())) as {
    CgroupDriver?: string;
  };
  if (driver !== "cgroupfs") throw new Error(`the engine's groups are made by ${driver}`);
  const unified = await stat(join(GROUPS, "cgroup.controllers")).then(
    () => true,
    () => false,
  );
  return unified ? unifiedGroup(join(GROUPS, BUILDS)) : oldGroup();
}

async function unifiedGroup(dir: string): Promise<Group> {
  await mkdir(dir, { recursive: true });
  return {
    async set({ memory, cpus }) {
      await writeFile(join(dir, "memory.max"), String(memory));
      await writeFile(join(dir, "cpu.weight"), WEIGHT);
      await writeFile(join(dir, "cpu.max"), `${cpus === null ? "max" : quota(cpus)} ${PERIOD_US}`);
    },
    kills: () => counter(join(dir, "memory.events"), /^oom_kill (\d+)$/m),
    steps: {
      top: dir,
      settings: (id, { memory, cpus }) => [
        ...setting(join(dir, id, "memory.max"), memory, String),
        ...setting(join(dir, id, "cpu.max"), cpus, (one) => `${quota(one)} ${PERIOD_US}`),
      ],
    },
  };
}

async function oldGroup(): Promise<Group> {
  const [memoryDir, cpuDir] = ["memory", "cpu"].map((one) => join(GROUPS, one, BUILDS)) as [
    string,
    string,
  ];
  await mkdir(memoryDir, { recursive: true });
  await mkdir(cpuDir, { recursive: true });
  return {
    async set({ memory, cpus }) {
      await writeFile(join(memoryDir, "memory.limit_in_bytes"), String(memory));
      await writeFile(join(cpuDir, "cpu.shares"), SHARES);
      await writeFile(join(cpuDir, "cpu.cfs_period_us"), String(PERIOD_US));
      const all = cpus === null ? -1 : quota(cpus);
      await writeFile(join(cpuDir, "cpu.cfs_quota_us"), String(all));
    },
    kills: () => counter(join(memoryDir, "memory.failcnt"), /^(\d+)$/m),
    steps: {
      top: memoryDir,
      settings: (id, { memory, cpus }) => [
        ...setting(join(memoryDir, id, "memory.limit_in_bytes"), memory, String),
        ...setting(join(cpuDir, id, "cpu.cfs_period_us"), cpus, () => String(PERIOD_US)),
        ...setting(join(cpuDir, id, "cpu.cfs_quota_us"), cpus, (one) => String(quota(one))),
      ],
    },
  };
}

function setting(
  file: string,
  value: number | undefined,
  show: (value: number) => string,
): [string, string][] {
  return value === undefined ? [] : [[file, show(value)]];
}

function quota(cpus: number): number {
  return Math.round(cpus * PERIOD_US);
}

async function counter(file: string, line: RegExp): Promise<number> {
  return Number(line.exec(await readFile(file, "utf8"))?.[1] ?? 0);
}
