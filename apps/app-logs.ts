import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  type AppLogLine,
  appLogDir,
  type LogFile,
  type LogSource,
  readLogName,
} from "./app-log-files.ts";
import { fileKey, linesBackward, linesForward } from "./log-lines.ts";

/** Which lines are wanted. */
export interface LogQuery {
  /** The newest so many. */
  limit: number;
  /** `web.1`, or `web` for all of the process type. */
  ps?: string;
  /** ms since the epoch */
  since?: number;
  release?: number;
  /** A text that the line holds. */
  grep?: string;
  source?: LogSource;
}

/** A line with its place: what `after` takes. */
export type PlacedLine = AppLogLine & { id: string };

export interface AppLogs {
  /** The newest lines that match, merged by time, oldest first. */
  read(app: string, query: LogQuery): Promise<PlacedLine[]>;
  /** What `read` gives, or all after the line `after`; then lines as they come, until the signal. */
  follow(
    app: string,
    query: LogQuery,
    options: { signal: AbortSignal; after?: string },
  ): AsyncGenerator<PlacedLine>;
}

const LOOK_MS = 200;
const MOST_TRIES = 5;
/** Of one file at a time, bytes. */
const MOST_BYTES = 1024 * 1024;
/** A client that was away for longer begins anew with the newest of what it missed. */
const MOST_MISSED = 20_000;

/** A file on disk. Its key stays when it is renamed. */
interface Found extends LogFile {
  path: string;
  key: string;
  size: number;
  changed: number;
}

/** Reads what instances, routers and workers have written. @param logs the platform's folder of logs */
export function createAppLogs({ logs }: { logs: string }): AppLogs {
  return {
    read: async (app, query) => placeAll((await newestOf(logs, app, query, query)).lines),
    async *follow(app, query, { signal, after }) {
      const place = createPlaces();
      const missed = after === undefined ? query : await since(query, after);
      const { files, lines: before } = await newestOf(logs, app, query, missed);
      const offsets = new Map(files.map((file) => [file.key, file.size]));
      for (const line of before) {
        const placed = place(line);
        if (after === undefined || isAfter(placed.id, after)) yield placed;
      }
      while (!signal.aborted) {
        const lines: AppLogLine[] = [];
        for (const file of await findAgain(logs, app, query, offsets)) {
          // A file that began anew under a number that was used before.
          const at = Math.min(offsets.get(file.key) ?? 0, file.size);
          const read = await linesForward(file, at, MOST_BYTES);
          offsets.set(file.key, read.at);
          lines.push(...read.lines.flatMap((line) => parse(line, query) ?? []));
        }
        for (const line of lines.toSorted(byTime)) yield place(line);
        if (lines.length === 0) await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
      }
    },
  };
}

/** Whether `text` is the place of a line: `MS.NS.COUNT`. */
export function isPlace(text: string): boolean {
  return /^\d{1,15}\.\d{1,6}\.\d{1,9}$/.test(text);
}

async function since(query: LogQuery, after: string): Promise<LogQuery> {
  const [ms = 0] = after.split(".").map(Number);
  return { ...query, since: Math.max(query.since ?? 0, ms), limit: MOST_MISSED };
}

function isAfter(id: string, than: string): boolean {
  const [a, b] = [id, than].map((text) => text.split(".").map(Number));
  for (const at of [0, 1, 2]) {
    const difference = (a?.[at] ?? 0) - (b?.[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** Numbers lines of the same time, in the order in which they are given out. */
function createPlaces(): (line: AppLogLine) => PlacedLine {
  let last = "";
  let count = 0;
  return (line) => {
    const time = `${line.t}.${line.n ?? 0}`;
    count = time === last ? count + 1 : 0;
    last = time;
    return { ...line, id: `${time}.${count}` };
  };
}

function placeAll(lines: AppLogLine[]): PlacedLine[] {
  return lines.map(createPlaces());
}

/** The files that may have what is asked for, the last written first. */
async function find(logs: string, app: string, query: LogQuery): Promise<Found[]> {
  const dir = appLogDir(logs, app);
  const names = await readdir(dir).catch(() => []);
  const found = await Promise.all(
    names.map(async (name): Promise<Found[]> => {
      const file = readLogName(name);
      if (!file || !mayMatch(file, query)) return [];
      const path = join(dir, name);
      const info = await stat(path).catch(() => null);
      if (!info) return [];
      return [{ ...file, path, key: fileKey(info), size: info.size, changed: info.mtimeMs }];
    }),
  );
  return found.flat().toSorted((a, b) => b.changed - a.changed);
}

/**
 * The files as they are now, known ones among them by another name. A file is renamed before another
 * takes its name: one that is missed is looked for again, so that its lines come before the other's.
 */
async function findAgain(
  logs: string,
  app: string,
  query: LogQuery,
  offsets: Map<string, number>,
): Promise<Found[]> {
  for (let tries = 1; ; tries++) {
    const found = await find(logs, app, query);
    const gone = [...offsets.keys()].filter((key) => !found.some((file) => file.key === key));
    if (gone.length > 0 && tries < MOST_TRIES) continue;
    for (const key of gone) offsets.delete(key);
    return found;
  }
}

function mayMatch(file: LogFile, { ps, release, source }: LogQuery): boolean {
  if (source !== undefined && file.source !== source) return false;
  if (ps !== undefined && !isFrom(file.from, ps)) return false;
  return release === undefined || file.release === undefined || file.release === release;
}

function isFrom(from: string, ps: string): boolean {
  return from === ps || from.startsWith(`${ps}.`);
}

/** The newest lines, and the files as they were; read again when a file was renamed meanwhile. */
async function newestOf(
  logs: string,
  app: string,
  query: LogQuery,
  wanted: LogQuery,
): Promise<{ files: Found[]; lines: AppLogLine[] }> {
  for (let tries = 1; ; tries++) {
    const files = await find(logs, app, query);
    const lines = await newest(files, wanted);
    const after = new Map((await find(logs, app, query)).map(({ path, key }) => [path, key]));
    const renamed = files.some(({ path, key }) => after.get(path) !== key);
    if (!renamed || tries === MOST_TRIES) return { files, lines };
  }
}

/** The newest lines of the files that match, oldest first. */
async function newest(files: Found[], query: LogQuery): Promise<AppLogLine[]> {
  let best: AppLogLine[] = [];
  for (const file of files) {
    // All that is left was last written before the oldest line that is given.
    if (best.length === query.limit && (best[0]?.t ?? 0) > file.changed + 1000) break;
    const lines: AppLogLine[] = [];
    for await (const text of linesBackward(file.path, file.size)) {
      if (query.since !== undefined && timeOf(text) < query.since) break;
      const line = parse(text, query);
      if (line) lines.push(line);
      if (lines.length === query.limit) break;
    }
    best = [...lines.toReversed(), ...best].toSorted(byTime).slice(-query.limit);
  }
  return best;
}

/** Every writer begins a line with its time. */
function timeOf(text: string): number {
  return Number(/^\{"t":(\d{1,15})/.exec(text)?.[1] ?? Infinity);
}

function parse(text: string, { grep, ps, since: from, release }: LogQuery): AppLogLine | null {
  // As the text stands in JSON, so that most lines need not be parsed.
  if (grep !== undefined && !text.includes(JSON.stringify(grep).slice(1, -1))) return null;
  const line = readLine(text);
  if (!line || (from !== undefined && line.t < from)) return null;
  if (ps !== undefined && !isFrom(line.from, ps)) return null;
  if (release !== undefined && line.release !== release) return null;
  return grep === undefined || line.text.includes(grep) ? line : null;
}

function readLine(text: string): AppLogLine | null {
  try {
    const line = JSON.parse(text) as Partial<AppLogLine>;
    const good = Number.isFinite(line.t) && typeof line.from === "string";
    return good && typeof line.text === "string" ? (line as AppLogLine) : null;
  } catch {
    return null;
  }
}

function byTime(a: AppLogLine, b: AppLogLine): number {
  return a.t - b.t || (a.n ?? 0) - (b.n ?? 0);
}
