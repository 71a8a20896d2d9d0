import type { Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

const CHUNK = 64 * 1024;
const NEWLINE = 10;

/**
 * Complete lines of a file from its end to its beginning; what follows the last newline is still
 * being written. @param size read no further than this many bytes
 */
export async function* linesBackward(path: string, size?: number): AsyncGenerator<string> {
  const file = await openOrNull(path);
  if (!file) return;
  try {
    let at = Math.min(size ?? Infinity, (await file.stat()).size);
    let head: Buffer = Buffer.alloc(0);
    while (at > 0) {
      const length = Math.min(CHUNK, at);
      at -= length;
      const bytes = Buffer.concat([await readAt(file, at, length), head]);
      const first = bytes.indexOf(NEWLINE);
      if (first === -1 && at > 0) {
        head = bytes;
        continue;
      }
      const from = at === 0 ? 0 : first + 1;
      head = bytes.subarray(0, from);
      const lines = bytes.subarray(from).toString("utf8").split("\n");
      // Behind the last newline there is nothing, or what is not complete.
      lines.pop();
      yield* lines.toReversed();
    }
  } finally {
    await file.close();
  }
}

/** What tells a file from another that takes its name. */
export function fileKey({ ino, birthtimeMs }: Stats): string {
  return `${ino} ${birthtimeMs}`;
}

/**
 * Complete lines from byte `at` on, at most `most` bytes of them; where to go on. None when `path`
 * is by now the name of a file other than `key`.
 */
export async function linesForward(
  { path, key }: { path: string; key: string },
  at: number,
  most: number,
): Promise<{ lines: string[]; at: number }> {
  const file = await openOrNull(path);
  if (!file) return { lines: [], at };
  try {
    const info = await file.stat();
    if (fileKey(info) !== key) return { lines: [], at };
    const bytes = await readAt(file, at, Math.min(most, Math.max(0, info.size - at)));
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0) return { lines: [], at };
    const lines = bytes
      .subarray(0, end - 1)
      .toString("utf8")
      .split("\n");
    return { lines, at: at + end };
  } finally {
    await file.close();
  }
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}

async function openOrNull(path: string): Promise<FileHandle | null> {
  try {
    return await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
