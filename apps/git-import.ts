import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { Readable, Transform, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { TealError } from "./errors.ts";

/** What an archive may hold; more is no source tree. */
export interface ImportLimits {
  /** As it comes. */
  packedBytes: number;
  /** Of all files together. */
  bytes: number;
  files: number;
  /** How many times its own size it may become, beyond `smallBytes`. */
  ratio: number;
}

const IMPORT_LIMITS: ImportLimits = {
  packedBytes: 512 * 1024 ** 2,
  bytes: 2 * 1024 ** 3,
  files: 100_000,
  ratio: 100,
};
/** So much is let through whatever its ratio. */
const SMALL_BYTES = 64 * 1024 ** 2;
/** The same for all: what is said of a deploy is kept with the deploy. */
const SUBJECT = "An archive of source";
const LONGEST_PATH = 1000;
const LONGEST_LINK = 4000;

interface Entry {
  mode: string;
  /** Of the blob that holds it. */
  mark: number;
}

export interface ImportWish {
  /** `auto`: a single folder at the top that holds everything, as code hosts make it, is left out. */
  strip: "auto" | "no";
  limits?: ImportLimits;
}

/**
 * Writes what a tar archive (plain or gzip) holds to `git fast-import` as one commit of the new
 * branch `ref`. Nothing is unpacked to disk: a path is only ever a name in a tree. The same archive
 * gives the same commit.
 * @throws bad-archive, too-large; the archive's own error
 */
export async function writeImport(
  archive: Readable,
  git: Writable,
  ref: string,
  { strip, limits = IMPORT_LIMITS }: ImportWish,
): Promise<void> {
  const tar = extract();
  const source = await unpacked(archive, limits);
  // What breaks the source breaks the loop below, too; this one says why.
  const piped = pipeline([...source, tar]).then(
    () => null,
    (error: unknown) => error,
  );
  const write = (data: Buffer | string) => (git.write(data) ? null : once(git, "drain"));

  const entries = new Map<string, Entry>();
  let newest = 0;
  let marks = 0;
  const blob = async (size: number, chunks: Readable | Buffer[]) => {
    marks += 1;
    await write(`blob\nmark :${marks}\ndata ${size}\n`);
    for await (const chunk of chunks) await write(chunk);
    await write("\n");
    return marks;
  };

  try {
    for await (const entry of tar) {
      const { header } = entry;
      const path = pathOf(header);
      newest = Math.max(newest, Math.floor((header.mtime?.getTime() ?? 0) / 1000));
      if (path !== null) {
        if (entries.size >= limits.files) throw tooMany(limits.files);
        const found = await entryOf(header, entries, (size) =>
          size === null
            ? blob(linkOf(header).length, [linkOf(header)])
            : blob(size, entry as unknown as Readable),
        );
        if (found) entries.set(path, found);
      }
      entry.resume();
    }
  } catch (error) {
    tar.destroy();
    const cause = error instanceof TealError ? error : ((await piped) ?? error);
    archive.destroy();
    throw cause instanceof TealError
      ? cause
      : bad(`it breaks off or is malformed (${(cause as Error).message})`);
  }
  if (entries.size === 0) throw bad("it holds no file");
  const cut = strip === "auto" ? commonFolder([...entries.keys()]) : "";
  // Before 1970 and after 2100 there were no such files.
  const at = Math.min(Math.max(newest, 1), 4_102_444_800);
  await write(
    `commit ${ref}\ncommitter Teal <teal@localhost> ${at} +0000\ndata ${SUBJECT.length}\n${SUBJECT}\n`,
  );
  for (const [path, { mode, mark }] of entries)
    await write(`M ${mode} :${mark} ${quoted(path.slice(cut.length))}\n`);
  await write(`\ndone\n`);
  git.end();
}

/** A name for the time of one import, under which nobody fetches. */
export function importRef(): string {
  return `refs/teal/imports/${randomBytes(12).toString("hex")}`;
}

/** @throws bad-archive for what is neither a file, a folder nor a link */
async function entryOf(
  header: Header,
  entries: Map<string, Entry>,
  blob: (size: number | null) => Promise<number>,
): Promise<Entry | null> {
  const { name, type, size, mode } = header;
  if (!Number.isSafeInteger(size) || size < 0) throw bad(`${shown(name)} has the size ${size}`);
  if (type === "directory") return null;
  if (type === "file" || type === "contiguous-file")
    return { mode: mode & 0o100 ? "100755" : "100644", mark: await blob(size) };
  if (type === "symlink") return { mode: "120000", mark: await blob(null) };
  if (type === "link") {
    const target = entries.get(clean(header.linkname ?? "") ?? "");
    if (target) return target;
    throw bad(`${shown(name)} is a link to what is not in it`);
  }
  throw bad(`${shown(name)} is neither a file, a folder nor a link`);
}

/** Null for what is left out: folders' own names, and a working copy's `.git`. @throws bad-archive */
function pathOf({ name }: Header): string | null {
  const path = clean(name);
  if (path === null) throw bad(`${shown(name)} leads out of it`);
  const parts = path.split("/");
  if (path === "" || parts.some((part) => part.toLowerCase() === ".git")) return null;
  if (path.length > LONGEST_PATH || parts.some((part) => Buffer.byteLength(part) > 255))
    throw bad(`${shown(name)} is longer than a path may be`);
  if (/[\u0000-\u001f\u007f]/.test(path)) throw bad(`${shown(name)} holds control characters`);
  return path;
}

/** A path without `.` and empty parts; null when it is absolute or goes up. */
function clean(name: string): string | null {
  const parts = name.split("/");
  if (name.startsWith("/") || parts.includes("..")) return null;
  return parts.filter((part) => part !== "" && part !== ".").join("/");
}

function linkOf({ name, linkname }: Header): Buffer {
  if (linkname && linkname.length <= LONGEST_LINK && !linkname.includes("\0"))
    return Buffer.from(linkname);
  throw bad(`${shown(name)} is a link to nothing`);
}

/** `app-1.2/`, when all that there is lies in it. */
function commonFolder(paths: string[]): string {
  const [first = ""] = paths;
  const at = first.indexOf("/");
  const folder = at > 0 ? first.slice(0, at + 1) : "";
  return folder !== "" && paths.every((path) => path.startsWith(folder)) ? folder : "";
}

/** As fast-import reads it; control characters were refused. */
function quoted(path: string): string {
  return `"${path.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The archive's bytes, unpacked if their first two say so, and counted before and behind that. */
async function unpacked(
  archive: Readable,
  { packedBytes, bytes, ratio }: ImportLimits,
): Promise<(Readable | Transform)[]> {
  let [came, became] = [0, 0];
  const chunks = archive[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const take = async (): Promise<Buffer | null> => {
    const { done, value } = await chunks.next();
    if (done) return null;
    came += value.length;
    if (came > packedBytes) throw new TealError("too-large", { limit: packedBytes });
    return value;
  };
  let first = Buffer.alloc(0);
  while (first.length < 2) {
    const chunk = await take();
    if (chunk === null) throw bad("nothing came");
    first = Buffer.concat([first, chunk]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    yield first;
    for (let chunk = await take(); chunk !== null; chunk = await take()) yield chunk;
  }
  const behind = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      became += chunk.length;
      if (became > bytes) done(bad(`it holds more than ${bytes} bytes`));
      else if (became > SMALL_BYTES && became > came * ratio)
        done(bad(`it becomes more than ${ratio} times as large as it is`));
      else done(null, chunk);
    },
  });
  const source = Readable.from(all(), { objectMode: false });
  return first[0] === 0x1f && first[1] === 0x8b
    ? [source, createGunzip(), behind]
    : [source, behind];
}

function tooMany(files: number): TealError {
  return bad(`it holds more than ${files} files`);
}

function bad(detail: string): TealError {
  return new TealError("bad-archive", { detail });
}

function shown(name: string): string {
  return `'${name.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 100)}'`;
}
