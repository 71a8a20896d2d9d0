import type { Duplex } from "node:stream";
import type Docker from "dockerode";
import { signalExec } from "./exec-signal.ts";
import { createFrames } from "./frames.ts";
import { statusOf } from "./retry.ts";

/** A command that somebody is attached to. */
export interface Attached {
  input: NodeJS.WritableStream;
  /** Gives its output piece by piece (1 standard output, 2 error) to its end; the exit code. */
  run(take: (output: number, bytes: Buffer) => Promise<void>): Promise<number>;
  resize(size: Size): Promise<void>;
  signal(name: string): Promise<void>;
  /** Ends it, whatever it does. Twice is once. */
  stop(): Promise<void>;
}

export interface Size {
  columns: number;
  rows: number;
}

const GRACE_S = 5;

/** The main process of a new container, which is removed at its end. */
export async function attachContainer(
  docker: Docker,
  spec: Docker.ContainerCreateOptions,
  { tty, ...size }: Size & { tty: boolean },
): Promise<Attached> {
  const how = { AttachStdin: true, AttachStdout: true, AttachStderr: true };
  // Older engines know no size before the start.
  const HostConfig = { ...spec.HostConfig, ConsoleSize: [size.rows, size.columns] };
  const made = { ...spec, ...how, HostConfig, Tty: tty, OpenStdin: true, StdinOnce: true };
  const container = await docker.createContainer(made);
  const resize = async ({ columns, rows }: Size) => {
    if (tty) await container.resize({ w: columns, h: rows });
  };
  const remove = () => container.remove({ force: true, v: true }).catch(() => {});
  try {
    const all = { stream: true, stdin: true, stdout: true, stderr: true, hijack: true };
    const stream = await container.attach(all);
    return {
      input: stream,
      async run(take) {
        try {
          await container.start();
          await resize(size).catch(() => {});
          await drain(stream as Duplex, tty, take);
          const { StatusCode } = (await container.wait()) as { StatusCode: number };
          return StatusCode;
        } finally {
          await remove();
        }
      },
      resize,
      async signal(name) {
        await container.kill({ signal: `SIG${name}` });
      },
      async stop() {
        await container.stop({ t: GRACE_S }).catch(() => {});
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** A further process in a container that runs. */
export async function attachInside(
  docker: Docker,
  id: string,
  command: string[],
  { tty, term, ...size }: Size & { tty: boolean; term: string },
): Promise<Attached> {
  const exec = await docker.getContainer(id).exec({
    ...{ AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: tty },
    Cmd: command,
    Env: [`TERM=${term}`],
  });
  const resize = async ({ columns, rows }: Size) => {
    if (tty) await exec.resize({ w: columns, h: rows });
  };
  const stream = await exec.start({ hijack: true, stdin: true, Tty: tty });
  const kill = (name: NodeJS.Signals) => signalExec(exec, name);
  return {
    input: stream,
    async run(take) {
      await resize(size).catch(() => {});
      await drain(stream, tty, take);
      return (await exec.inspect()).ExitCode ?? 255;
    },
    resize,
    signal: (name) => kill(`SIG${name}` as NodeJS.Signals),
    async stop() {
      stream.end();
      await kill("SIGHUP").catch(() => {});
      setTimeout(() => void kill("SIGKILL").catch(() => {}), GRACE_S * 1000).unref();
    },
  };
}

/** With a terminal there is one output, and no frames. */
async function drain(
  stream: Duplex,
  tty: boolean,
  take: (output: number, bytes: Buffer) => Promise<void>,
): Promise<void> {
  let pieces: [number, Buffer][] = [];
  const frames = createFrames((output, payload) => pieces.push([output, payload]));
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (tty) pieces = [[1, chunk]];
      else frames(chunk);
      const ready = pieces;
      pieces = [];
      for (const [output, bytes] of ready) await take(output, bytes);
    }
  } catch (error) {
    // Where the connection breaks, what is known of the container says how it ended.
    if (statusOf(error) !== undefined) throw error;
  }
}
