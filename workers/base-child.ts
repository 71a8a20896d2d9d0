import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { printableLines } from "./engine/printable.ts";

export interface ChildOptions {
  cwd: string;
  env: Record<string, string>;
  signal: AbortSignal;
  /** Each line of both outputs. */
  onLine?(text: string): void;
}

/**
 * Runs a program to its end. Gives its standard output.
 * @throws Error with its status and last lines; the signal's reason
 */
export async function runChild(
  program: string,
  args: string[],
  options: ChildOptions,
): Promise<string> {
  options.signal.throwIfAborted();
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env,
    signal: options.signal,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  const last: string[] = [];
  const take = (line: string): void => {
    for (const text of printableLines(line)) {
      last.push(text);
      if (last.length > 5) last.shift();
      options.onLine?.(text);
    }
  };
  createInterface({ input: child.stdout }).on("line", (line) => {
    output.push(line);
    take(line);
  });
  createInterface({ input: child.stderr }).on("line", take);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on("error", reject);
  child.on("close", resolve);
  const code = await promise.catch((error: Error) => {
    options.signal.throwIfAborted();
    throw new Error(`${program} could not be started: ${error.message}`, { cause: error });
  });
  options.signal.throwIfAborted();
  if (code !== 0)
    throw new Error(`${program} ${args[0] ?? ""} ended with status ${code}: ${last.join(" | ")}`);
  return output.join("\n");
}
