import { type ChildProcess, execFile } from "node:child_process";
import { resolve } from "node:path";

export const CLI = resolve(import.meta.dirname, "../../apps/cli/main.ts");

export interface Ran {
  /** -1: it was ended by a signal. */
  code: number;
  stdout: string;
  stderr: string;
}

interface How {
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  input?: string | Buffer;
  timeoutMs?: number;
}

/** Node's cache of compiled code, where the test run has one: children start in half of the time. */
export function compileCache(): Record<string, string> {
  const dir = process.env["NODE_COMPILE_CACHE"];
  return dir ? { NODE_COMPILE_CACHE: dir } : {};
}

/** The command line with nothing in its environment but PATH and `env`; a minute unless said. */
export function runCli(
  args: readonly string[],
  { env, cwd, input = "", timeoutMs = 60_000 }: How = {},
): Promise<Ran> {
  return new Promise((done) => {
    const own = { PATH: process.env["PATH"], ...compileCache(), ...env };
    const options = { env: own, timeout: timeoutMs, maxBuffer: 1 << 26, ...(cwd && { cwd }) };
    const child: ChildProcess = execFile(
      process.execPath,
      [CLI, ...args],
      options,
      (error, stdout, stderr) =>
        done({
          code: typeof error?.code === "number" ? error.code : error ? -1 : 0,
          stdout,
          stderr,
        }),
    );
    // One that refuses what it is called with does not read to the end.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}
