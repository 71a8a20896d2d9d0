import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type AppLogLine,
  type LogPosition,
  OLD,
  oldLogName,
  readLogName,
} from "../apps/app-log-files.ts";
import { linesBackward } from "../apps/log-lines.ts";

export interface LogFileWriter {
  /** Resolves when the lines are in the file. */
  append(lines: AppLogLine[]): Promise<void>;
  close(): Promise<void>;
}

/** Where a file of lines ends: the time of the last one, and how many lines have that very time. */
export interface LogEnd extends LogPosition {
  count: number;
}

/** The end of what `path`, or the file before it, holds; null when that is nothing. */
export async function readLogEnd(path: string): Promise<LogEnd | null> {
  let end: LogEnd | null = null;
  for (const one of [path, oldLogName(path)]) {
    for await (const text of linesBackward(one)) {
      const { t, n } = timeOf(text);
      if (!end) end = { t, n, count: 1 };
      else if (t === end.t && n === end.n) end.count += 1;
      else return end;
    }
  }
  return end;
}

/** A line that is not one of ours counts as one of no time. */
function timeOf(text: string): LogPosition {
  try {
    const { t, n = 0 } = JSON.parse(text) as AppLogLine;
    return { t, n };
  } catch {
    return { t: 0, n: 0 };
  }
}

/**
 * Appends to a log file, and begins it anew when it has grown to `maxBytes`.
 * @param grown called when it has been
 */
export function openLogFile(
  path: string,
  { maxBytes, grown }: { maxBytes: number; grown(): void },
): LogFileWriter {
  let file: FileHandle | null = null;
  let size = 0;
  let writing: Promise<void> = Promise.resolve();

  async function opened(): Promise<FileHandle> {
    if (file) return file;
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    file = await open(path, "a", 0o600);
    size = await dropTorn(path, file);
    return file;
  }

  async function write(lines: AppLogLine[]): Promise<void> {
    const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    await (await opened()).write(bytes);
    size += bytes.length;
    if (size < maxBytes) return;
    await close();
    await rename(path, oldLogName(path));
    grown();
  }

  async function close(): Promise<void> {
    const closing = file;
    file = null;
    await closing?.close();
  }

  return {
    append(lines) {
      writing = writing.catch(() => {}).then(() => write(lines));
      return writing;
    },
    async close() {
      await writing.catch(() => {});
      await close();
    },
  };
}

/** A writer that was killed may have left half a line; the size without it. */
async function dropTorn(path: string, file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const tail = await open(path, "r");
  try {
    let at = size;
    while (at > 0) {
      const length = Math.min(64 * 1024, at);
      const { buffer } = await tail.read(Buffer.alloc(length), 0, length, at - length);
      const newline = buffer.lastIndexOf(10);
      if (newline !== -1) {
        at = at - length + newline + 1;
        break;
      }
      at -= length;
    }
    if (at < size) await file.truncate(at);
    return at;
  } finally {
    await tail.close();
  }
}

/**
 * Removes the oldest files of an app until it has no more than `maxBytes` and `maxFiles` of them;
 * none that is still written to.
 * @returns their names
 */
export async function keepBudget(
  dir: string,
  { maxBytes, maxFiles, inUse }: { maxBytes: number; maxFiles: number; inUse: Set<string> },
): Promise<string[]> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => readLogName(name));
  const files = await Promise.all(
    names.map(async (name) => {
      const info = await stat(join(dir, name)).catch(() => null);
      return { name, size: info?.size ?? 0, changed: info?.mtimeMs ?? 0 };
    }),
  );
  let bytes = files.reduce((sum, file) => sum + file.size, 0);
  let count = files.length;
  const removed: string[] = [];
  for (const { name, size } of files.toSorted((a, b) => a.changed - b.changed)) {
    if (bytes <= maxBytes && count <= maxFiles) break;
    const shared = /^(router|teal)-/.test(name) && !name.endsWith(OLD);
    if (shared || inUse.has(name)) continue;
    await unlink(join(dir, name)).catch(() => {});
    removed.push(name);
    bytes -= size;
    count -= 1;
  }
  return removed;
}
