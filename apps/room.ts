import { readFile, statfs } from "node:fs/promises";
import { TealError } from "./errors.ts";

const MIB = 1024 ** 2;

/** What must be free before anything is taken in or built, bytes. */
export interface Floor {
  disk: number;
  memory: number;
}

/** A build starts with this much, and with less it would take what apps and the platform live on. */
const FLOOR: Floor = { disk: 1024 * MIB, memory: 256 * MIB };

/**
 * Refuses what would fill the machine.
 * @param dirs folders on the file systems that are written to
 * @throws disk-full, memory-low
 */
export async function checkRoom(dirs: string[], floor = FLOOR): Promise<void> {
  for (const dir of dirs) {
    const { bavail, bsize } = await statfs(dir);
    const free = bavail * bsize;
    if (free < floor.disk) throw new TealError("disk-full", inMib(floor.disk, free));
  }
  await checkMemory(floor.memory);
}

/** @throws memory-low */
export async function checkMemory(needed = FLOOR.memory): Promise<void> {
  const free = await availableMemory();
  if (free < needed) throw new TealError("memory-low", inMib(needed, free));
}

/** What the kernel could give without swapping; Infinity where it does not say. */
async function availableMemory(): Promise<number> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const kib = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return kib === undefined ? Infinity : Number(kib) * 1024;
}

function inMib(needed: number, free: number) {
  return { needed: Math.ceil(needed / MIB), free: Math.floor(free / MIB) };
}
