import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { signalExec } from "./exec-signal.ts";
import { readLines } from "./read-lines.ts";
import { retryEngine } from "./retry.ts";

/** `code` is null when there was no end in time; the command has been ended then. */
export interface Executed {
  code: number | null;
  output: string;
}

const LINES = 20;

/** Runs a command inside a running container. */
export async function executeIn(
  docker: Docker,
  id: string,
  command: string[],
  timeoutMs: number,
): Promise<Executed> {
  const wish = { Cmd: command, AttachStdout: true, AttachStderr: true };
  const exec = await retryEngine(() => docker.getContainer(id).exec(wish));
  const stream = await exec.start({});
  stream.on("error", () => {});
  const lines: string[] = [];
  const read = readLines(stream, (one) => lines.length < LINES && lines.push(one));
  const over = new AbortController();
  const late = sleep(timeoutMs, true, { signal: over.signal }).catch(() => true);
  const isLate = await Promise.race([read.then(() => false), late]);
  over.abort();
  if (isLate) {
    stream.destroy();
    // Else a check that hangs would leave one more in the container each time.
    await signalExec(exec, "SIGKILL").catch(() => {});
  }
  const code = isLate ? null : ((await exec.inspect()).ExitCode ?? null);
  return { code, output: lines.join("\n") };
}
