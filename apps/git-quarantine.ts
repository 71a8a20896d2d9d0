import { constants } from "node:fs";
import { copyFile, link, mkdir, open, readdir, realpath, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/**
 * A push's objects lie in a quarantine inside the object store until its hook has said yes, and git
 * deletes them if the hook says no or the client goes away. This brings them into the store for
 * good, by hard links in the order of git's own migration (an index last, so that nobody finds a
 * pack without its data), which git's later migration then meets as "already there". Linking is
 * several times faster than packing the objects again and writes no byte twice.
 */
export async function adoptQuarantine(quarantine: string, objects: string): Promise<void> {
  const touched = new Set<string>();
  for (const shard of await readdir(quarantine, { withFileTypes: true })) {
    if (!shard.isDirectory() || !/^([0-9a-f]{2}|pack)$/.test(shard.name)) continue;
    const from = join(quarantine, shard.name);
    const to = join(objects, shard.name);
    if (await mkdir(to, { recursive: true })) touched.add(objects);
    for (const file of (await readdir(from)).filter(isObject).toSorted(indexLast)) {
      await adopt(join(from, file), join(to, file));
      touched.add(to);
    }
  }
  await Promise.all([...touched].map(syncDirectory));
}

/** True for a quarantine directory of this object store, and for nothing else. */
export async function isQuarantineOf(path: string, objects: string): Promise<boolean> {
  if (!/^(tmp_objdir-)?incoming-\w+$/.test(basename(path))) return false;
  const [parent, store] = await Promise.all([realpath(dirname(path)), realpath(objects)]).catch(
    () => ["", "-"],
  );
  return parent === store;
}

/** Neither temporary files nor `.keep`, which only guards the pack during the push. */
function isObject(file: string): boolean {
  return /^([0-9a-f]{38}|[0-9a-f]{62}|pack-[0-9a-f]+\.(pack|rev|mtimes|bitmap|idx))$/.test(file);
}

function indexLast(a: string, b: string): number {
  return Number(a.endsWith(".idx")) - Number(b.endsWith(".idx"));
}

async function adopt(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return;
    // File systems without hard links, or too many of them.
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EMLINK" && code !== "EXDEV")
      throw error;
    const copy = join(dirname(to), `tmp_obj_${basename(to)}`);
    await copyFile(from, copy, constants.COPYFILE_FICLONE);
    await syncDirectory(copy);
    await rename(copy, to);
  }
}

/** Also works for files: what matters is that the entry survives a power cut. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
