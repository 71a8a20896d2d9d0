import type { ChildProcess } from "node:child_process";

/**
 * Resolves with a child's standard output (where it is piped and not read by others: `collect`)
 * once it has ended with status 0. @throws Error with the end of what it said on standard error
 */
export function childEnd(child: ChildProcess, what: string, collect = false): Promise<string> {
  let answer = "";
  let said = "";
  if (collect) child.stdout?.setEncoding("utf8").on("data", (text: string) => (answer += text));
  child.stderr
    ?.setEncoding("utf8")
    .on("data", (text: string) => (said = (said + text).slice(-2000)));
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code, signal) => {
      if (code === 0) done(answer);
      else fail(new Error(`${what} ended with ${signal ?? `status ${code}`}: ${said.trim()}`));
    });
  });
}
