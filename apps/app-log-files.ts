import { join } from "node:path";
import type { Colour } from "./types.ts";

/**
 * The logs of apps on disk, `TEAL_HOME/logs/apps/APP/*.jsonl`: one JSON object a line, and for every
 * file one writer. An instance has a file of its own, a router and a worker one per app. A file that
 * has grown too large becomes `NAME.old.jsonl`, in the place of the one before.
 */
export interface AppLogLine {
  /** ms since the epoch */
  t: number;
  /** ns within that ms */
  n?: number;
  /** `web.1`, `router.1`, `teal` */
  from: string;
  colour?: Colour;
  /** The release that the instance was started for. */
  release?: number;
  text: string;
}

/** When a line was written: ms since the epoch, and ns within that ms. */
export interface LogPosition {
  t: number;
  n: number;
}

/** Whose file it is, as far as its name says. */
export interface LogFile {
  name: string;
  from: string;
  source: LogSource;
  release?: number;
}

export const LOG_SOURCES = ["app", "router", "teal"] as const;
export type LogSource = (typeof LOG_SOURCES)[number];

export const OLD = ".old.jsonl";
const NEW = ".jsonl";

/** What a log file of an instance is named after. */
export interface Logged {
  release: number;
  process: string;
  /** A number for instances, a name for one-off runs. */
  index: string;
  deploy: string;
  colour?: Colour;
}

/** The folder of an app below the platform's logs. */
export function appLogDir(logs: string, app: string): string {
  return join(logs, "apps", app);
}

/** Name of an instance's file. */
export function instanceLogName({ release, process, index, deploy }: Logged): string {
  return `v${release}.${process}.${index}.${deploy}${NEW}`;
}

/** What a file is called once a new one was begun. */
export function oldLogName(name: string): string {
  return name.slice(0, -NEW.length) + OLD;
}

/** What a name says; null for a file that is no log. */
export function readLogName(name: string): LogFile | null {
  if (!name.endsWith(NEW)) return null;
  const stem = name.slice(0, -(name.endsWith(OLD) ? OLD : NEW).length);
  const [, release, process, index] = /^v(\d+)\.([\w-]+)\.([\w-]+)\./.exec(stem) ?? [];
  if (release !== undefined) {
    return { name, from: `${process}.${index}`, source: "app", release: Number(release) };
  }
  const [, kind, number] = /^(router|teal)-(\w+)$/.exec(stem) ?? [];
  if (kind === "router") return { name, from: `router.${number}`, source: "router" };
  return kind === "teal" ? { name, from: "teal", source: "teal" } : null;
}
