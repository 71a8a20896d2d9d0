import { mkdir, open, rename, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { lineOf, MAX_LINE, outLine, type Answered } from "./access-line.ts";

const NONE = Buffer.alloc(0);

export interface AccessLog {
  /** Keeps a line for the disk. It never waits: what the disk cannot take is left out and counted. */
  add(app: string, answered: Answered): void;
  /** The app is gone: nothing more of it is written. */
  forget(app: string): void;
  /** Lines left out since the start. */
  leftOut(): number;
  /** Writes what waits, and stops. */
  close(): Promise<void>;
}

export interface AccessLogOptions {
  /** One folder per app is made in it. */
  folder: string;
  /** Number of this router process: of `router-N.jsonl`, and of `router.N` in each line. */
  index: string;
  /** Told once until a write succeeds again. */
  failed(error: Error): void;
  /** A file that has grown to this many bytes becomes `router-N.old.jsonl`. */
  maxBytes?: number;
  everyMs?: number;
}

/** What one app has waiting for the disk. */
interface Waiting {
  app: string;
  buffer: Buffer;
  /** Bytes of it that are used. */
  used: number;
  lines: number;
  /** Lines left out since the last write. */
  out: number;
  /** Open while there is something to write in every interval. */
  handle: FileHandle | null;
  /** Bytes in the file, while it is open. */
  size: number;
  /** The last write failed, perhaps within a line. */
  torn: boolean;
}

const MAX_BYTES = 10 * 1024 * 1024;
const EVERY_MS = 400;
/** Of one app, in bytes: where its buffer begins, is written early, and grows no more. */
const FIRST = 8 * 1024;
const EARLY = 256 * 1024;
const MOST = 1024 * 1024;
/** Of all apps. */
const ROOM = 16 * MOST;
const MOST_OPEN = 256;

/**
 * Lines of all apps, in files of this process alone. They are gathered in memory, and one write
 * after the other takes them to the disk, so a slow disk holds up one thread of the pool and nobody's request.
 */
export function createAccessLog(options: AccessLogOptions): AccessLog {
  const { folder, index, failed, maxBytes = MAX_BYTES, everyMs = EVERY_MS } = options;
  const apps = new Map<string, Waiting>();
  const dirty = new Set<Waiting>();
  const opened = new Set<Waiting>();
  /** Bytes of all buffers. */
  let taken = 0;
  let leftOut = 0;
  let ill = false;
  let writing: Promise<void> | null = null;
  const timer = setInterval(write, everyMs, writeAndClose);
  timer.unref();

  function add(app: string, answered: Answered): void {
    let file = apps.get(app);
    if (file === undefined) {
      file = { app, buffer: NONE, used: 0, lines: 0, out: 0, handle: null, size: 0, torn: false };
      apps.set(app, file);
    }
    if (file.used + MAX_LINE > file.buffer.length && !grow(file)) {
      file.out++;
      leftOut++;
      return;
    }
    if (file.used === 0) dirty.add(file);
    // Straight into bytes: strings that wait are copied by the garbage collector again and again.
    file.used += file.buffer.write(lineOf(answered, index), file.used, "latin1");
    file.lines++;
    if (file.used > EARLY) write(writeAll);
  }

  function grow(file: Waiting): boolean {
    const { length } = file.buffer;
    const more = length === 0 ? FIRST + MAX_LINE : length;
    if (length >= MOST || taken + more > ROOM) return false;
    taken += more;
    const larger = Buffer.allocUnsafeSlow(length + more);
    file.buffer.copy(larger, 0, 0, file.used);
    file.buffer = larger;
    return true;
  }

  function write(work: () => Promise<void>): void {
    if (dirty.size + opened.size > 0) writing ??= work().finally(() => (writing = null));
  }

  async function writeAll(): Promise<void> {
    for (const file of dirty) {
      dirty.delete(file);
      await writeOne(file);
      if (opened.size > MOST_OPEN) await shut(file);
    }
  }

  /** What had nothing to write since the last time is closed: its file may be removed meanwhile. */
  async function writeAndClose(): Promise<void> {
    const quiet = [...opened].filter((file) => file.used === 0);
    await writeAll();
    for (const file of quiet) if (!dirty.has(file)) await shut(file);
  }

  async function writeOne(file: Waiting): Promise<void> {
    const { buffer, used, lines, out, torn } = file;
    const first = `${torn ? "\n" : ""}${out > 0 ? outLine(out, index) : ""}`;
    file.buffer = NONE;
    file.used = file.lines = file.out = 0;
    try {
      const bytes = buffer.subarray(0, used);
      await append(file, first === "" ? bytes : Buffer.concat([Buffer.from(first), bytes]));
      file.torn = ill = false;
    } catch (error) {
      file.torn = true;
      file.out += out + lines;
      leftOut += lines;
      if (!ill) failed(error as Error);
      ill = true;
    }
    if (file.buffer === NONE && apps.get(file.app) === file && used > buffer.length / 8) {
      file.buffer = buffer;
    } else {
      taken -= buffer.length;
    }
  }

  async function append(file: Waiting, bytes: Buffer): Promise<void> {
    const own = join(folder, file.app);
    const path = join(own, `router-${index}.jsonl`);
    // Of an app that is gone nothing comes back.
    if (apps.get(file.app) !== file) return;
    if (file.handle === null) {
      await mkdir(own, { recursive: true, mode: 0o700 });
      file.handle = await open(path, "a", 0o600);
      opened.add(file);
      ({ size: file.size } = await file.handle.stat());
    }
    try {
      await file.handle.appendFile(bytes);
    } catch (error) {
      await shut(file);
      throw error;
    }
    file.size += bytes.length;
    if (file.size < maxBytes) return;
    await shut(file);
    await rename(path, join(own, `router-${index}.old.jsonl`));
  }

  async function shut(file: Waiting): Promise<void> {
    const { handle } = file;
    file.handle = null;
    opened.delete(file);
    await handle?.close().catch(() => undefined);
  }

  return {
    add,
    forget(app) {
      const file = apps.get(app);
      if (file === undefined) return;
      apps.delete(app);
      dirty.delete(file);
      void (writing ?? Promise.resolve()).then(() => shut(file));
      taken -= file.buffer.length;
      file.buffer = NONE;
    },
    leftOut: () => leftOut,
    async close() {
      clearInterval(timer);
      await writing;
      await writeAll();
      for (const file of opened) await shut(file);
    },
  };
}
