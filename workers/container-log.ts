import { join } from "node:path";
import {
  type AppLogLine,
  appLogDir,
  instanceLogName,
  type LogPosition,
} from "../apps/app-log-files.ts";
import { clean } from "../apps/deploy-log-text.ts";
import { type LogFileWriter, openLogFile, readLogEnd } from "./app-log-file.ts";
import type { ContainerLine, LineSink } from "./engine/log-stream.ts";
import type { LoggedContainer } from "./engine/watch.ts";
import { createBucket } from "./log-rate.ts";

interface Options {
  logs: string;
  container: LoggedContainer;
  conceal(app: string, text: string): string;
  limits: LogLimits;
  /** The file has begun anew. */
  grown(): void;
  /** Called when the lines cannot be kept, for want of disk for example. */
  failed(error: unknown): void;
}

export interface LogLimits {
  /** Per app. */
  appBytes: number;
  /** Per instance, bytes: sustained, and at once. */
  perSecond: number;
  burst: number;
}

const FLUSH_MS = 100;
/** An instance has two files of at most this share of the app's budget. */
const SHARE = 16;

export interface ContainerLog {
  /** Where the file ends: output is wanted from there on. */
  since: LogPosition | null;
  sink: LineSink;
  /** Resolves when all is on disk. */
  close(): Promise<void>;
}

/** One container's output on its way to its file: cleaned, masked, counted, and written in batches. */
export async function openContainerLog(options: Options): Promise<ContainerLog> {
  const { logs, container, conceal, limits } = options;
  const { app, process, index, colour, release } = container;
  const path = join(appLogDir(logs, app), instanceLogName(container));
  const end = await readLogEnd(path);
  const maxBytes = limits.appBytes / SHARE;
  const file: LogFileWriter = openLogFile(path, { maxBytes, grown: options.grown });
  const bucket = createBucket(limits);
  const from = `${process}.${index}`;
  let known = end?.count ?? 0;
  let waiting: AppLogLine[] = [];
  let timer: NodeJS.Timeout | null = null;
  let left: (LogPosition & { lines: number; bytes: number }) | null = null;

  function flush(): Promise<void> {
    if (timer) clearTimeout(timer);
    timer = null;
    const lines = waiting;
    waiting = [];
    if (lines.length === 0) return Promise.resolve();
    return file.append(lines).catch(options.failed);
  }

  function keep(at: LogPosition, text: string): void {
    waiting.push({ ...at, from, ...(colour && { colour }), release, text });
    timer ??= setTimeout(() => void flush(), FLUSH_MS);
  }

  /** Says what was left out, at the time of the last of it. */
  function sayLeft(): void {
    if (!left) return;
    const { t, n, lines, bytes } = left;
    left = null;
    const size = `${(bytes / 1e6).toFixed(1)} MB`;
    const rate = `${Math.round(limits.perSecond / 1024)} KiB a second`;
    keep({ t, n }, `(${lines} lines, ${size}, left out: ${from} writes more than ${rate})`);
  }

  /** The engine begins with the lines of the very time that the file ends with. */
  function isKnown(at: LogPosition): boolean {
    if (known === 0 || !end || at.t !== end.t || at.n !== end.n) return false;
    known -= 1;
    return true;
  }

  return {
    since: end,
    sink: {
      take: (bytes, at) => bucket.take(bytes, at.t),
      line({ text, ...at }: ContainerLine) {
        if (isKnown(at)) return;
        sayLeft();
        keep(at, conceal(app, clean(text)[0] ?? ""));
      },
      left(at, bytes) {
        left ??= { ...at, lines: 0, bytes: 0 };
        Object.assign(left, at, { lines: left.lines + 1, bytes: left.bytes + bytes });
      },
    },
    async close() {
      sayLeft();
      await flush();
      await file.close();
    },
  };
}
