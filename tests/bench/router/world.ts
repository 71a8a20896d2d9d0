import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Everything one run of the bench starts, ended by `close`. */
export interface World {
  folder: string;
  /** Starts a child and waits until it listens on `port` (or a unix socket). */
  start(name: string, args: string[], more: StartOptions): Promise<number>;
  stop(pid: number): Promise<void>;
  close(): Promise<void>;
}

export interface StartOptions {
  listens: number | string;
  env?: Record<string, string>;
}

const START_MS = 10_000;

export function createWorld(): World {
  const folder = mkdtempSync(join(tmpdir(), "teal-bench-router-"));
  const children = new Map<number, ChildProcess>();
  const kill = () => {
    for (const child of children.values()) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", kill);

  async function start(name: string, args: string[], more: StartOptions): Promise<number> {
    const env = { PATH: process.env["PATH"], HOME: folder, ...more.env };
    const child = spawn(name, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    let says = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => (says = (says + String(chunk)).slice(-4000)));
    }
    child.on("error", (error) => (says += error.message));
    const until = performance.now() + START_MS;
    while (!(await answers(more.listens))) {
      if (performance.now() > until || child.exitCode !== null || child.pid === undefined) {
        child.kill("SIGKILL");
        throw new Error(`${name} does not listen on ${more.listens}: ${says}`);
      }
      await sleep(30);
    }
    children.set(child.pid as number, child);
    return child.pid as number;
  }

  async function stop(pid: number): Promise<void> {
    const child = children.get(pid);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), 3000);
    await ended;
    clearTimeout(late);
    children.delete(pid);
  }

  async function close(): Promise<void> {
    await Promise.all([...children.keys()].map(stop));
    process.off("exit", kill);
    kill();
  }

  return { folder, start, stop, close };
}

async function answers(to: number | string): Promise<boolean> {
  const socket = typeof to === "number" ? connect(to, "127.0.0.1") : connect(to);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A loopback port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
