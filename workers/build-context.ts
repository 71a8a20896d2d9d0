import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { pack, type Pack } from "tar-stream";
import { TealError } from "../apps/errors.ts";

/** More than these, and it is no source tree. */
const MAX_BYTES = 2 * 1024 ** 3;
const MAX_FILES = 100_000;

interface Entry {
  /** Relative, with slashes. */
  path: string;
  kind: "file" | "folder" | "link";
  bytes: number;
  executable: boolean;
  target: string;
}

export interface IgnoreRules {
  /** True for paths of the tree that stay out. */
  ignores(path: string): boolean;
  /** True for folders of which nothing can be wanted. */
  skips(folder: string): boolean;
}

export interface ContextRequest {
  dir: string;
  /** Folder of the archive that the tree goes into; "" is the top. */
  under: string;
  /** Further files of the archive, by path; they win over the tree's. */
  files: Record<string, string>;
  ignore: IgnoreRules;
  /** Further trees, taken whole, and the folders of the archive that they go into. */
  trees?: Pick<ContextRequest, "dir" | "under">[];
  limits?: { bytes: number; files: number };
}

const NOTHING: IgnoreRules = { ignores: () => false, skips: () => false };

/**
 * A tree as a tar archive that is the same for the same content: sorted, owned by root, with git's
 * two file modes and one time for all. Links stay links.
 * @throws TealError build-failed when the tree is too large or holds something that is no file
 */
export async function createContext(
  request: ContextRequest,
): Promise<{ tar: Readable; files: number; bytes: number; newest: Date }> {
  const { entries, newest } = await readEntries(request);
  const parts = [{ request, entries }];
  for (const tree of request.trees ?? []) {
    const whole = { ...tree, files: {}, ignore: NOTHING };
    parts.push({ request: whole, ...(await readEntries(whole)) });
  }
  const tar = pack();
  const filled = async () => {
    for (const part of parts) await fill(tar, part.request, part.entries, newest);
    tar.finalize();
  };
  filled().catch((error: Error) => tar.destroy(error));
  const files = parts.flatMap((part) => part.entries.filter(({ kind }) => kind !== "folder"));
  return {
    tar: Readable.from(tar, { objectMode: false }),
    files: files.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    newest,
  };
}

async function readEntries(request: ContextRequest): Promise<{ entries: Entry[]; newest: Date }> {
  const limits = request.limits ?? { bytes: MAX_BYTES, files: MAX_FILES };
  const entries: Entry[] = [];
  let newest = new Date(0);
  let bytes = 0;

  const visit = async (folder: string): Promise<void> => {
    const names = await readdir(join(request.dir, folder));
    for (const name of names.toSorted()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const found = await lstat(join(request.dir, path));
      if (found.isDirectory()) {
        if (!request.ignore.skips(path)) await visitFolder(path);
        continue;
      }
      if (request.ignore.ignores(path) || Object.hasOwn(request.files, inArchive(request, path)))
        continue;
      entries.push(await entryOf(request.dir, path, found));
      bytes += found.size;
      if (found.mtime > newest) newest = found.mtime;
      if (bytes > limits.bytes) throw tooLarge(`${limits.bytes} bytes`, path);
      if (entries.length > limits.files) throw tooLarge(`${limits.files} files`, path);
    }
  };
  const visitFolder = async (path: string): Promise<void> => {
    const at = entries.length;
    await visit(path);
    const used = entries.length > at || !request.ignore.ignores(path);
    if (used)
      entries.splice(at, 0, { path, kind: "folder", bytes: 0, executable: true, target: "" });
  };

  await visit("");
  return { entries, newest };
}

type Found = Awaited<ReturnType<typeof lstat>>;

async function entryOf(dir: string, path: string, found: Found): Promise<Entry> {
  const common = { path, bytes: 0, executable: (Number(found.mode) & 0o100) !== 0, target: "" };
  if (found.isSymbolicLink())
    return { ...common, kind: "link", target: await readlink(join(dir, path)) };
  if (found.isFile()) return { ...common, kind: "file", bytes: Number(found.size) };
  throw new TealError("build-failed", {
    detail: `${path} was expected to be a file, a folder or a link`,
  });
}

function tooLarge(limit: string, path: string): TealError {
  const detail = `a source tree of at most ${limit} was expected, and there is more (at ${path}); leave out what the build does not need with a .dockerignore file`;
  return new TealError("build-failed", { detail });
}

/** All files carry the time of the newest: a web server's ETag must change when content of the same size does. */
async function fill(
  tar: Pack,
  request: ContextRequest,
  entries: Entry[],
  mtime: Date,
): Promise<void> {
  for (const [name, text] of Object.entries(request.files))
    tar.entry({ name, mode: 0o644, mtime }, text);
  for (const entry of entries) {
    const name = inArchive(request, entry.path);
    const mode = entry.executable ? 0o755 : 0o644;
    if (entry.kind === "folder") tar.entry({ name, type: "directory", mode: 0o755, mtime });
    else if (entry.kind === "link")
      tar.entry({ name, type: "symlink", linkname: entry.target, mode: 0o777, mtime });
    else
      await fillFile(tar, { name, mode, mtime, size: entry.bytes }, join(request.dir, entry.path));
  }
}

async function fillFile(
  tar: Pack,
  header: { name: string; mode: number; mtime: Date; size: number },
  file: string,
): Promise<void> {
  if (header.size === 0) {
    tar.entry(header, "");
    return;
  }
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const entry = tar.entry(header, (error) => (error ? reject(error) : resolve()));
  await Promise.all([pipeline(createReadStream(file, { end: header.size - 1 }), entry), promise]);
}

function inArchive(request: ContextRequest, path: string): string {
  return request.under === "" ? path : `${request.under}/${path}`;
}
