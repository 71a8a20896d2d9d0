import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import { readLines } from "./read-lines.ts";
import { retryEngine } from "./retry.ts";

/** `code` is null when there was no end in time; the command is then left to itself. */
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
  const read = readLines(docker, stream, (one) => lines.length < LINES && lines.push(one));
  const over = new AbortController();
  const late = sleep(timeoutMs, true, { signal: over.signal }).catch(() => true);
  const isLate = await Promise.race([read.then(() => false), late]);
  over.abort();
  if (isLate) stream.destroy();
  const code = isLate ? null : ((await exec.inspect()).ExitCode ?? null);
  return { code, output: lines.join("\n") };
}
