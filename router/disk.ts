import { mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import type { RouteCertificate } from "./contract.ts";
import { isCertificate, isRoute } from "./contract-check.ts";
import type { Snapshot } from "./table.ts";

/** What a router knows when it starts without the store. */
export interface SavedTable extends Snapshot {
  /** The store's `routesSeq` when this was last in step with it. */
  seq: number;
}

/** Keys are sealed here as in the store. */
export interface SavedCertificates {
  certificates: RouteCertificate[];
  /** The store's `certificatesSeq` when these were last in step with it. */
  seq: number;
}

export interface Disk {
  /**
   * Writes the table soon: temp file, fsync, rename; calls that come while a write runs become one.
   * A failure is reported once until a write succeeds again, and never thrown.
   */
  save(): void;
  /** Waits for the writes asked for. */
  flush(): Promise<void>;
}

export interface DiskOptions {
  /** Directory of all tables; made when it is missing. */
  folder: string;
  /** Name of this router's file, without its ending. */
  name: string;
  /** Something that is JSON. */
  read(): object;
  failed(error: Error): void;
}

export function createDisk({ folder, name, read, failed }: DiskOptions): Disk {
  const file = join(folder, `${name}.json`);
  let dirty = false;
  let running: Promise<void> | null = null;
  let ill = false;

  async function write(): Promise<void> {
    while (dirty) {
      // Not in the turn of the event loop in which a swap happens.
      await setImmediate();
      dirty = false;
      try {
        await replaceFile(folder, file, JSON.stringify(read()));
        ill = false;
      } catch (error) {
        if (!ill) failed(error as Error);
        ill = true;
      }
    }
  }

  return {
    save() {
      dirty = true;
      running ??= write().finally(() => {
        running = null;
      });
    },
    async flush() {
      while (running) await running;
    },
  };
}

async function replaceFile(folder: string, file: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const temp = `${file}.${process.pid}.tmp`;
  const handle = await open(temp, "w", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await rename(temp, file);
  } catch (error) {
    await handle.close().catch(() => undefined);
    await unlink(temp).catch(() => undefined);
    throw error;
  }
}

/** The newest table of the folder that can be read, whichever router wrote it; null when there is none. */
export function loadNewestTable(folder: string): Promise<SavedTable | null> {
  return loadNewest(folder, readTable);
}

/** The newest certificates, in the same way. */
export function loadNewestCertificates(folder: string): Promise<SavedCertificates | null> {
  return loadNewest(folder, readCertificates);
}

async function loadNewest<T>(
  folder: string,
  read: (file: string) => Promise<T | null>,
): Promise<T | null> {
  const names = await readdir(folder).catch(() => []);
  const files = await Promise.all(
    names
      .filter((name) => name.endsWith(".json"))
      .map(async (name) => {
        const file = join(folder, name);
        return { file, at: (await stat(file).catch(() => null))?.mtimeMs ?? 0 };
      }),
  );
  for (const { file } of files.toSorted((a, b) => b.at - a.at)) {
    const found = await read(file);
    if (found) return found;
  }
  return null;
}

async function readTable(file: string): Promise<SavedTable | null> {
  try {
    const { routes, gone, seq } = JSON.parse(await readFile(file, "utf8")) as SavedTable;
    if (!Array.isArray(routes) || !routes.every(isRoute) || typeof gone !== "object" || !gone)
      return null;
    return { routes, gone, seq: Number.isInteger(seq) ? seq : 0 };
  } catch {
    return null;
  }
}

async function readCertificates(file: string): Promise<SavedCertificates | null> {
  try {
    const { certificates, seq } = JSON.parse(await readFile(file, "utf8")) as SavedCertificates;
    return {
      certificates: certificates.filter(isCertificate),
      seq: Number.isInteger(seq) ? seq : 0,
    };
  } catch {
    return null;
  }
}
