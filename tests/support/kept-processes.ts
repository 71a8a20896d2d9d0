import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Writable } from "node:stream";

interface Kept {
  child: ChildProcess | null;
  restarts: number;
}

interface Options {
  cwd: string;
  env: Record<string, string>;
  /** What all of them write. */
  output: Writable;
}

const PAUSE_MS = 200;

/** Processes that are started again when they die, as the platform's supervisor would. */
export function createKeptProcesses({ cwd, env, output }: Options) {
  const kept = new Map<string, Kept>();
  let stopping = false;

  function start(name: string, command: string, args: string[], extra: object = {}): void {
    const entry: Kept = kept.get(name) ?? { child: null, restarts: -1 };
    kept.set(name, entry);
    entry.restarts++;
    const child = spawn(command, args, {
      cwd,
      env: { ...env, ...extra },
      stdio: ["ignore", "pipe", "pipe"],
    });
    entry.child = child;
    child.stdout.pipe(output, { end: false });
    child.stderr.pipe(output, { end: false });
    child.once("exit", () => {
      entry.child = null;
      if (!stopping) setTimeout(() => stopping || start(name, command, args, extra), PAUSE_MS);
    });
  }

  return {
    start,
    pid: (name: string) => kept.get(name)?.child?.pid,
    /** How often it was started again. */
    restarts: (name: string) => kept.get(name)?.restarts ?? 0,
    /** Sends a signal; after SIGKILL it comes back by itself. */
    signal(name: string, signal: NodeJS.Signals): void {
      kept.get(name)?.child?.kill(signal);
    },
    /** Kills them one after the other; the first that was started goes last. */
    async stop(): Promise<void> {
      stopping = true;
      const children = [...kept.values()].flatMap((entry) => entry.child ?? []);
      for (const child of [...children.slice(1), ...children.slice(0, 1)]) {
        const ended = child.exitCode === null ? once(child, "exit") : Promise.resolve();
        child.kill("SIGKILL");
        await ended;
      }
    },
  };
}
