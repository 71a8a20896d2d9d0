import { readdir, readFile, rename, rm, stat, truncate } from "node:fs/promises";
import { basename, join } from "node:path";
import { run, startDetached } from "./child.ts";
import { PlatformError } from "./failure.ts";
import { poll } from "./poll.ts";

export interface ServiceState {
  name: string;
  /** `stuck`: nothing supervises it. */
  state: "up" | "down" | "stuck";
  pid: number | null;
  /** Seconds since it came up or went down. */
  seconds: number;
  /** How often it ended otherwise than with status 0, since the platform was started. */
  crashes: number;
}

/** runit's runsvdir over one folder of services. */
export interface Supervisor {
  /** Process id of the runsvdir that watches the folder, or null. */
  pid(): Promise<number | null>;
  start(): Promise<void>;
  /** Names of the services that have a folder. */
  names(): Promise<string[]>;
  states(names?: string[]): Promise<ServiceState[]>;
  /** Stops and starts one service; waits up to `seconds` for its end, by default `STOP_SECONDS`. */
  restart(name: string, seconds?: number): Promise<void>;
  /** Stops a service for good and takes its folder away. */
  remove(name: string, seconds?: number): Promise<void>;
  /** Stops all services, those in `last` after the others, and runsvdir itself. */
  stop(last: string[]): Promise<void>;
}

/** A service that has not ended by then is killed. */
export const STOP_SECONDS = 60;
/** runsvdir looks for new folders every 5 s. */
const START_MS = 15_000;

export function createSupervisor({
  dir,
  logFile,
  env,
}: {
  dir: string;
  logFile: string;
  env: Record<string, string>;
}): Supervisor {
  const sv = async (...args: string[]) => run("sv", args, { env });
  const at = (name: string): string => join(dir, name);
  const pid = async (): Promise<number | null> => findProcess("runsvdir", dir);

  async function names(): Promise<string[]> {
    const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map((entry) => entry.name)
      .toSorted();
  }

  async function states(which?: string[]): Promise<ServiceState[]> {
    const wanted = which ?? (await names());
    if (wanted.length === 0) return [];
    const { stdout } = await sv("status", ...wanted.map(at));
    const lines = stdout.split("\n");
    return Promise.all(
      wanted.map(async (name) => {
        const crashes = await stat(join(at(name), "crashes")).then(
          (file) => file.size,
          () => 0,
        );
        return {
          name,
          ...readStatus(lines.find((line) => line.includes(`: ${at(name)}: `)) ?? ""),
          crashes,
        };
      }),
    );
  }

  async function supervised(name: string): Promise<boolean> {
    const [state] = await states([name]);
    return state !== undefined && state.state !== "stuck";
  }

  async function start(): Promise<void> {
    if ((await pid()) === null) {
      await Promise.all(
        (await names()).map((name) => truncate(join(at(name), "crashes")).catch(() => undefined)),
      );
      await startDetached("runsvdir", ["-P", dir], {
        env: { PATH: env["PATH"] as string },
        logFile,
      });
    }
    const all = await names();
    const seen = async (): Promise<boolean> =>
      (await states(all)).every((service) => service.state !== "stuck");
    if (await poll(seen, START_MS)) return;
    const lost = (await states(all)).filter((service) => service.state === "stuck");
    throw new PlatformError(
      `runit did not take up ${lost.map((service) => service.name).join(", ")} within ${START_MS / 1000} s; its own words are in ${logFile}.`,
    );
  }

  async function end(service: string, seconds: number): Promise<void> {
    await sv("-w", String(seconds), "force-shutdown", service);
  }

  return {
    pid,
    start,
    names,
    states,
    async restart(name, seconds = STOP_SECONDS) {
      if (await supervised(name)) await sv("-w", String(seconds), "force-restart", at(name));
    },
    async remove(name, seconds = STOP_SECONDS) {
      const hidden = join(dir, `.old-${name}`);
      await rm(hidden, { recursive: true, force: true });
      // Out of runsvdir's sight first, or it would start it again.
      await rename(at(name), hidden);
      await end(hidden, seconds);
      await rm(hidden, { recursive: true, force: true });
    },
    async stop(last) {
      const all = await names();
      const first = all.filter((name) => !last.includes(name));
      if (first.length > 0) await sv("-w", String(STOP_SECONDS), "force-stop", ...first.map(at));
      const runsvdir = await pid();
      if (runsvdir !== null) {
        process.kill(runsvdir, "SIGHUP");
        await poll(async () => (await pid()) === null, START_MS);
      }
      const left = (await states(all)).filter((service) => service.state !== "stuck");
      if (left.length > 0) {
        await sv("-w", String(STOP_SECONDS), "force-shutdown", ...left.map(({ name }) => at(name)));
      }
    },
  };
}

/** Reads one line of `sv status`: `run: DIR: (pid 7) 42s; run: log: …`. */
export function readStatus(line: string): Pick<ServiceState, "state" | "pid" | "seconds"> {
  const found = /^(run|down|finish): .*?: (?:\(pid (\d+)\) )?(\d+)s/.exec(line);
  if (!found) return { state: "stuck", pid: null, seconds: 0 };
  const [, word, pid, seconds] = found;
  return {
    state: word === "run" ? "up" : "down",
    pid: word === "run" && pid ? Number(pid) : null,
    seconds: Number(seconds),
  };
}

/** Process id of `program … lastArgument`, found in /proc: no pid file that can be stale. */
export async function findProcess(program: string, lastArgument: string): Promise<number | null> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      const args = text.split("\0").slice(0, -1);
      return basename(args[0] ?? "") === program && args.at(-1) === lastArgument;
    }),
  );
  const index = found.indexOf(true);
  return index === -1 ? null : Number(pids[index]);
}
