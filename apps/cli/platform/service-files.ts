import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A service as runit runs it: a program, its whole environment, and a sized log. */
export interface Service {
  name: string;
  /** Folder that the program starts in. */
  cwd: string;
  env: Record<string, string>;
  /** Shell words of the program, as in a Procfile. Never text of a user of the platform. */
  command: string;
  logDir: string;
  /** Shell lines before the program starts. */
  before?: string[];
  /** Changes when the program's code does, so that a new version is a changed service. */
  print?: string;
}

/** Bytes of one log file, and how many old ones are kept. */
const LOG_BYTES = 4_000_000;
const LOG_FILES = 5;

/** One shell word, whatever it contains. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The files of a service's folder, by relative path. */
export function serviceFiles(service: Service): Record<string, string> {
  const { cwd, env, command, logDir, before = [], print } = service;
  const variables = Object.entries(env)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `  ${name}=${quote(value)} \\`);
  const head = ["#!/bin/sh", "# Written by 'teal up': changes are lost."];
  const run = [
    ...head,
    ...(print ? [`# code ${print}`] : []),
    "exec 2>&1",
    ...before,
    `cd ${quote(cwd)} || exit 1`,
    "exec env -i \\",
    ...variables,
    `  ${command}`,
  ];
  // One byte for each crash: 'teal status' shows how many there were.
  const finish = [
    ...head,
    String.raw`echo "teal: ${service.name} ended with status $1, signal $2"`,
    '[ "$1" = 0 ] || printf . >>./crashes',
  ];
  const log = [
    ...head,
    `mkdir -p ${quote(logDir)} && cp ./config ${quote(join(logDir, "config"))}`,
    `exec svlogd ${quote(logDir)}`,
  ];
  const text = (lines: string[]): string => `${lines.join("\n")}\n`;
  return {
    run: text(run),
    finish: text(finish),
    "log/run": text(log),
    "log/config": text([`s${LOG_BYTES}`, `n${LOG_FILES}`, "N1"]),
  };
}

/**
 * Brings a service's folder to what it should be. A new folder appears whole.
 * @returns what was done
 */
export async function writeService(
  dir: string,
  service: Service,
): Promise<"new" | "changed" | "same"> {
  const files = Object.entries(serviceFiles(service));
  const before = await Promise.all(
    files.map(([name]) => readFile(join(dir, name), "utf8").catch(() => null)),
  );
  if (files.every(([, text], i) => before[i] === text)) return "same";
  const isNew = before[0] === null;
  const target = isNew ? join(dirname(dir), `.new-${service.name}`) : dir;
  if (isNew) await rm(target, { recursive: true, force: true });
  await mkdir(join(target, "log"), { recursive: true, mode: 0o700 });
  await Promise.all(files.map(async ([name, text]) => writeWhole(join(target, name), text)));
  if (isNew) {
    await rm(dir, { recursive: true, force: true });
    await rename(target, dir);
  }
  return isNew ? "new" : "changed";
}

async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o700 });
  await chmod(`${file}.new`, 0o700);
  await rename(`${file}.new`, file);
}
