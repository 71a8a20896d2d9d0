import { realpath } from "node:fs/promises";
import { isAbsolute, posix, sep } from "node:path";
import { TealError } from "./errors.ts";

/** What of an app's files outlives its containers. */
export interface Mount {
  /** Name of a volume of the app, or an absolute path of this machine. */
  source: string;
  /** Where the app finds it. */
  target: string;
  /** Mounted in these process types alone, and in no one-off command; absent: in all. */
  processes?: string[];
  /** Two versions must not use it at once: its process types are handed over exclusively. */
  exclusive?: true;
}

/** The knob of an app; its releases have the mounts as they were. */
export interface StorageOptions {
  mounts: Mount[];
}

const MOST = 20;
const VOLUME = /^[a-z0-9][a-z0-9_-]{0,40}$/;
const TARGET = /^\/[\w./-]{1,200}$/;
/** Without them a container is none. */
const RESERVED = ["/", "/proc", "/sys", "/dev", "/etc", "/bin", "/sbin", "/lib", "/usr", "/app"];

/** Else it is a volume of the app's own. */
export function isHostPath({ source }: Mount): boolean {
  return isAbsolute(source);
}

/** `data:/data` or `/srv/pictures:/pictures`. @throws bad-storage */
export function readMount(text: string): Mount {
  const [source = "", target = "", ...more] = text.split(":");
  const good = more.length === 0 && TARGET.test(target) && posix.normalize(target) === target;
  if (!good || target.endsWith("/") || RESERVED.includes(target)) {
    throw new TealError("bad-storage", { detail: `data:/data was expected, and ${text} came` });
  }
  if (!VOLUME.test(source) && !isAbsolute(source)) {
    const detail = `a volume's name in small letters was expected before the colon, and ${source} came`;
    throw new TealError("bad-storage", { detail });
  }
  return { source, target };
}

/** Commands that run beside the app, which are not to use what no two versions may. */
const COMMANDS = ["release", "run"];

/** A mount that names no process types is in all of them, but not in such commands when it is exclusive. */
export function isMountedIn({ processes, exclusive }: Mount, process: string): boolean {
  if (processes) return processes.includes(process);
  return !exclusive || !COMMANDS.includes(process);
}

/** With one more. @throws bad-storage */
export function withMount({ mounts }: StorageOptions, mount: Mount): StorageOptions {
  const taken = mounts.find(({ target }) => target === mount.target);
  if (taken)
    throw new TealError("bad-storage", { detail: `${mount.target} is ${taken.source} already` });
  if (mounts.length >= MOST) {
    throw new TealError("bad-storage", { detail: `an app may have ${MOST} mounts` });
  }
  return { mounts: [...mounts, mount] };
}

/**
 * A path of this machine has to lie, links followed, in one of the folders that the platform's owner
 * has named. @throws storage-not-allowed
 */
export async function assertUnderRoots({ source }: Mount, roots: string[]): Promise<void> {
  const real = await realpath(source).catch(() => null);
  const folders = await Promise.all(roots.map((root) => realpath(root).catch(() => null)));
  const inside = (root: string) => real === root || real?.startsWith(`${root}${sep}`) === true;
  if (folders.some((root) => root !== null && inside(root))) return;
  throw new TealError("storage-not-allowed", { path: source, roots: roots.join(", ") || "none" });
}
