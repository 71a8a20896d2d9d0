import { spawn } from "node:child_process";
import { closeSync, createWriteStream, openSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

export interface RunOptions {
  /** The child's whole environment. */
  env: Record<string, string>;
  cwd?: string;
  /** File that all output is appended to. */
  logFile?: string;
  /** Called with each line of either stream. */
  onLine?: (line: string) => void;
  /** The child is killed when this aborts. */
  signal?: AbortSignal;
}

export interface RunResult {
  /** Exit status; 127 when the program was not found, 128 when a signal ended it. */
  code: number;
  stdout: string;
  /** The last lines of both streams, for error messages. */
  tail: string[];
}

const TAIL_LINES = 15;
/** Characters of standard output kept for the caller. */
const STDOUT_KEPT = 1_000_000;

/** Runs a program to its end. Never throws for what the program does: look at `code`. */
export async function run(
  command: string,
  args: readonly string[],
  { env, cwd, logFile, onLine, signal }: RunOptions,
): Promise<RunResult> {
  const child = spawn(command, args, {
    env,
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    ...(signal ? { signal } : {}),
  });
  const log = logFile ? createWriteStream(logFile, { flags: "a", mode: 0o600 }) : null;
  log?.on("error", () => undefined);
  const tail: string[] = [];
  let stdout = "";
  const read = async (stream: Readable, keep: boolean): Promise<void> => {
    for await (const line of createInterface({ input: stream })) {
      if (keep && stdout.length < STDOUT_KEPT) stdout += `${line}\n`;
      if (line.trim() !== "") tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      log?.write(`${line}\n`);
      onLine?.(line);
    }
  };
  const ended = new Promise<number>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      tail.push(`${command}: ${error.message}`);
      if (child.pid === undefined) resolve(127);
    });
    child.once("close", (code) => resolve(code ?? 128));
  });
  const [code] = await Promise.all([ended, read(child.stdout, true), read(child.stderr, false)]);
  log?.end();
  return { code, stdout, tail };
}

/**
 * Starts a program that outlives this one: its own session, its output in `logFile`, so that
 * nothing of it holds the caller's terminal or pipes.
 * @returns its process id
 * @throws Error when it cannot be started
 */
export async function startDetached(
  command: string,
  args: readonly string[],
  { env, logFile }: { env: Record<string, string>; logFile: string },
): Promise<number> {
  const out = openSync(logFile, "a", 0o600);
  try {
    const child = spawn(command, args, {
      env,
      cwd: "/",
      detached: true,
      stdio: ["ignore", out, out],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.unref();
    return child.pid as number;
  } finally {
    closeSync(out);
  }
}
