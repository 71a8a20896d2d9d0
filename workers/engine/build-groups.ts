import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** What all builds of this machine together may use. */
export interface BuildBounds {
  /** Bytes. */
  memory: number;
  /** Cores; null: what nobody else wants. */
  cpus: number | null;
}

/** What one step of a build may use. */
export interface StepBounds {
  /** Bytes. */
  memory?: number;
  /** Cores. */
  cpus?: number;
  /** Apps come before it when both want the processor. */
  behindApps?: true;
}

/** Where the engine's builder runs the steps of builds. */
export interface BuildGroups {
  /** The group of all steps; null where each has its own, and none in common. */
  common: Group | null;
  steps: { tops: GroupFolders[]; isStep(name: string): boolean };
  groupOf(folders: GroupFolders): Group;
}

/** Folders of one group in the kernel's two hierarchies; one and the same where they are unified. */
export interface GroupFolders {
  memory: string;
  cpu: string;
}

export interface Group {
  set(bounds: StepBounds): Promise<void>;
  /** How often the kernel had to refuse memory. */
  kills(): Promise<number>;
}

const ROOT = "/sys/fs/cgroup";
/** BuildKit in the engine takes no limits for one build, but runs all of them below this group. */
const COMMON = "docker/buildkit";
/** With systemd's driver it says so: `SLICE:docker:ID`, and makes the group without systemd all the same. */
const STEP_OF_SYSTEMD = /^[^:]+:docker:[a-z0-9]+$/;
/** A container has 1024 (or a weight of 100): builds get a quarter of that when both want the processor. */
const SHARES = "256";
const WEIGHT = "25";
const PERIOD_US = 100_000;

/**
 * @param driver of the engine's groups, `cgroupfs` or `systemd`
 * @throws Error where builds cannot be bounded
 */
export async function findBuildGroups(driver: string | undefined): Promise<BuildGroups> {
  const unified = await isThere(join(ROOT, "cgroup.controllers"));
  const groupOf = unified ? unifiedGroup : oldGroup;
  if (driver === "systemd") {
    const tops = await besideEngines(unified);
    return { common: null, steps: { tops, isStep: (name) => STEP_OF_SYSTEMD.test(name) }, groupOf };
  }
  if (driver !== "cgroupfs") throw new Error(`the engine's groups are made by ${driver}`);
  const [memory, cpu] = unified ? ["", ""] : ["memory", "cpu"];
  const folders = { memory: join(ROOT, memory, COMMON), cpu: join(ROOT, cpu, COMMON) };
  await mkdir(folders.memory, { recursive: true });
  await mkdir(folders.cpu, { recursive: true });
  // Groups have files for memory and processor when the one above says so.
  for (const above of unified ? [ROOT, dirname(folders.memory)] : [])
    await writeFile(join(above, "cgroup.subtree_control"), "+memory +cpu");
  return { common: groupOf(folders), steps: { tops: [folders], isStep: () => true }, groupOf };
}

function unifiedGroup({ memory: dir }: GroupFolders): Group {
  return {
    async set({ memory, cpus, behindApps }) {
      if (memory !== undefined) await writeFile(join(dir, "memory.max"), String(memory));
      if (behindApps) await writeFile(join(dir, "cpu.weight"), WEIGHT);
      if (cpus !== undefined)
        await writeFile(join(dir, "cpu.max"), `${quota(cpus, "max")} ${PERIOD_US}`);
    },
    kills: () => counter(join(dir, "memory.events"), /^oom_kill (\d+)$/m),
  };
}

function oldGroup({ memory: memoryDir, cpu: cpuDir }: GroupFolders): Group {
  return {
    async set({ memory, cpus, behindApps }) {
      if (memory !== undefined)
        await writeFile(join(memoryDir, "memory.limit_in_bytes"), String(memory));
      if (behindApps) await writeFile(join(cpuDir, "cpu.shares"), SHARES);
      if (cpus === undefined) return;
      await writeFile(join(cpuDir, "cpu.cfs_period_us"), String(PERIOD_US));
      await writeFile(join(cpuDir, "cpu.cfs_quota_us"), quota(cpus, "-1"));
    },
    kills: () => counter(join(memoryDir, "memory.failcnt"), /^(\d+)$/m),
  };
}

function quota(cpus: number, none: string): string {
  return cpus === Infinity ? none : String(Math.round(cpus * PERIOD_US));
}

/**
 * Where the builder's own runc makes groups that are named without a way to them: below the engine's
 * own group, or beside it where a group with processes may have none below. One pair for each engine.
 * @throws Error when no engine runs on this machine
 */
async function besideEngines(unified: boolean): Promise<GroupFolders[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
      if (name.trim() !== "dockerd") return [];
      const text = await readFile(`/proc/${pid}/cgroup`, "utf8").catch(() => "");
      return text === "" ? [] : [foldersBy(text, unified)];
    }),
  );
  const tops = found.flat();
  if (tops.length === 0) throw new Error("no dockerd was found among the machine's processes");
  return tops;
}

/** @param text of /proc/PID/cgroup: lines `number:controllers:path`, without controllers where they are unified */
export function foldersBy(text: string, unified: boolean): GroupFolders {
  const lines = text.split("\n").map((line) => line.split(":"));
  const pathOf = (controller: string): string =>
    lines.find(([, names = ""]) => names.split(",").includes(controller))?.[2] ?? "/";
  if (unified) {
    const dir = join(ROOT, dirname(pathOf("")));
    return { memory: dir, cpu: dir };
  }
  return {
    memory: join(ROOT, "memory", pathOf("memory")),
    cpu: join(ROOT, "cpu", pathOf("cpu")),
  };
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function counter(file: string, line: RegExp): Promise<number> {
  return Number(line.exec(await readFile(file, "utf8"))?.[1] ?? 0);
}
