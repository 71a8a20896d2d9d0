import type { Readable } from "node:stream";
import type Docker from "dockerode";
import type { LogPosition } from "../../apps/app-log-files.ts";
import { createFrames } from "./frames.ts";
import { statusOf } from "./retry.ts";

/** A line of a container's output, with the time that the engine gave it. */
export interface ContainerLine extends LogPosition {
  text: string;
}

/** `2026-01-02T03:04:05.123456789Z ` before each piece of output. */
const STAMP = 31;
/** Of one line, bytes; the rest of it is left out. */
const LONGEST = 64 * 1024;
const HEAD = 8;
const NEWLINE = 10;

/** Where a container's output goes. */
export interface LineSink {
  /** Is there room for this piece of output? It is left out otherwise, and only its time is read. */
  take(bytes: number, at: LogPosition): boolean;
  line(line: ContainerLine): void;
  left(at: LogPosition, bytes: number): void;
}

/**
 * A container's output from `since` on (the engine gives lines of that very time again), until the
 * container stops or the connection ends. False when there is no such container.
 */
export async function followContainer(
  docker: Docker,
  id: string,
  { since, signal, sink }: { since: LogPosition | null; signal: AbortSignal; sink: LineSink },
): Promise<boolean> {
  const from = since ? { since: unixTime(since) as unknown as number } : {};
  const options = { stdout: true, stderr: true, timestamps: true, ...from } as const;
  try {
    const stream = (await docker
      .getContainer(id)
      .logs({ ...options, follow: true, abortSignal: signal })) as unknown as Readable;
    const take = createFrames(createAssembler(sink));
    for await (const chunk of stream as AsyncIterable<Buffer>) take(chunk);
    return true;
  } catch (error) {
    if (signal.aborted) return true;
    if (statusOf(error) === 404) return false;
    throw error;
  }
}

/** The time of a container's last output; null when there is none. */
export async function lastOutput(docker: Docker, id: string): Promise<LogPosition | null> {
  try {
    const options = { stdout: true, stderr: true, timestamps: true, follow: false } as const;
    const raw = await docker.getContainer(id).logs({ ...options, tail: 1 });
    return raw.length > HEAD + STAMP ? readStamp(raw.subarray(HEAD)) : null;
  } catch (error) {
    if (statusOf(error) === 404) return null;
    throw error;
  }
}

/** A line of more than 16 KiB comes in pieces, of which only the last ends with a newline. */
function createAssembler(sink: LineSink): (output: number, payload: Buffer) => void {
  const pieces = new Map<number, Buffer[]>();
  return (output, payload) => {
    if (payload.length < STAMP) return;
    const at = readStamp(payload);
    if (!sink.take(payload.length, at)) return sink.left(at, payload.length);
    const before = pieces.get(output) ?? [];
    const held = before.reduce((sum, piece) => sum + piece.length, 0);
    if (held < LONGEST) before.push(payload.subarray(STAMP));
    const whole = payload.at(-1) === NEWLINE;
    pieces.set(output, whole ? [] : before);
    if (whole) sink.line({ ...at, text: Buffer.concat(before).toString("utf8").trimEnd() });
  };
}

function readStamp(payload: Buffer): LogPosition {
  const text = payload.toString("latin1", 0, STAMP - 1);
  return { t: Date.parse(`${text.slice(0, 23)}Z`), n: Number(text.slice(23, 29)) };
}

function unixTime({ t, n }: LogPosition): string {
  const ms = String(t % 1000).padStart(3, "0");
  return `${Math.floor(t / 1000)}.${ms}${String(n).padStart(6, "0")}`;
}
