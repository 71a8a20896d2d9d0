import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { PlanError } from "./errors.ts";

/** Most that a file may hold which the platform itself reads, bytes. */
const FILE_LIMIT = 32 * 1024 * 1024;

/** A source tree, read without ever leaving it. */
export interface Tree {
  /** Names at the top, sorted, without `.git`. */
  names(): Promise<string[]>;
  has(name: string): Promise<boolean>;
  /** Names in a folder of the tree, sorted; none when there is no such folder, or it leads out of the tree. */
  list(folder: string): Promise<string[]>;
  isFolder(name: string): Promise<boolean>;
  /** Null when there is no such file. @throws PlanError points-outside, not-a-file */
  read(name: string): Promise<string | null>;
}

/** Opens the tree under `dir`. */
export function openTree(dir: string): Tree {
  let top: Promise<string[]> | null = null;
  const list = async (folder: string): Promise<string[]> =>
    (await isFolder(dir, folder)) ? (await readdir(join(dir, folder))).toSorted() : [];
  return {
    names: () => (top ??= readdir(dir).then((found) => found.filter(isSource).toSorted())),
    has: async (name) => (await lstat(join(dir, name)).catch(absent)) !== null,
    list,
    isFolder: (name) => isFolder(dir, name),
    read: (name) => readInside(dir, name),
  };
}

function isSource(name: string): boolean {
  return name !== ".git";
}

async function isFolder(dir: string, name: string): Promise<boolean> {
  const real = await realpath(join(dir, name)).catch(() => null);
  const root = await realpath(dir);
  if (real === null || !(real === root || real.startsWith(root + sep))) return false;
  return (await stat(real)).isDirectory();
}

async function readInside(dir: string, name: string): Promise<string | null> {
  if ((await lstat(join(dir, name)).catch(absent)) === null) return null;
  const real = await realpath(join(dir, name)).catch(() => null);
  const root = await realpath(dir);
  if (real === null || !real.startsWith(root + sep))
    throw new PlanError("points-outside", { file: name });
  const found = await stat(real);
  const wrong = !found.isFile()
    ? "something else"
    : found.size > FILE_LIMIT
      ? `${found.size} bytes`
      : null;
  if (wrong) throw new PlanError("not-a-file", { file: name, limit: FILE_LIMIT, came: wrong });
  return withoutMark(await readFile(real, "utf8"));
}

/** Editors of some systems begin a file with a byte order mark. */
function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
  throw error;
}
