import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/** What is younger may belong to a push that is under way. ms */
const OLD_MS = 24 * 3600_000;
/** Each push leaves a pack; git is slow with many. */
const MANY_PACKS = 50;

export interface Swept {
  /** Path, from the repository. */
  name: string;
  why: string;
  bytes: number;
}

interface Options {
  /** The repository. */
  dir: string;
  /** Where pins are kept, from the repository: one file per commit. */
  pins: string;
  /** Commits that a record names: full ids. */
  needed: ReadonlySet<string>;
  dryRun: boolean;
  now: number;
  /** Runs git in the repository. */
  tell(args: string[]): Promise<string>;
}

/**
 * Removes from a repository what a killed git left behind, and pins of commits that nothing names
 * any more; then has git put its packs together. Nothing younger than a day is touched.
 */
export async function sweepRepository(options: Options): Promise<Swept[]> {
  const { dir, pins, needed, dryRun, now, tell } = options;
  const swept: Swept[] = [];
  const objects = join(dir, "objects");
  for (const name of await names(objects)) {
    if (!/^(tmp_objdir-)?incoming-\w+$/.test(name) || !(await isOld(join(objects, name), now)))
      continue;
    const bytes = await sizeOf(join(objects, name));
    swept.push({ name: `objects/${name}`, why: "its push was cut off", bytes });
    if (!dryRun) await rm(join(objects, name), { recursive: true, force: true });
  }
  for (const id of await names(join(dir, pins))) {
    if (!/^[0-9a-f]{40,64}$/.test(id) || needed.has(id)) continue;
    if (!(await isOld(join(dir, pins, id), now))) continue;
    swept.push({ name: `commit ${id}`, why: "no release and no deploy names it", bytes: 0 });
    if (!dryRun) await tell(["update-ref", "-d", `${pins}/${id}`, id]).catch(() => {});
  }
  const packs = (await names(join(objects, "pack"))).filter((name) => name.endsWith(".pack"));
  if (!dryRun && packs.length > MANY_PACKS)
    await tell(["-c", "gc.packRefs=false", "gc", "--quiet", "--prune=2.weeks.ago"]);
  return swept;
}

/** True for what nobody has changed for a day; false for what is not there. */
export async function isOld(path: string, now: number): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found !== null && now - found.mtimeMs > OLD_MS;
}

async function names(dir: string): Promise<string[]> {
  return readdir(dir).catch(() => []);
}

/** Of a folder and all in it, bytes. */
export async function sizeOf(path: string): Promise<number> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
