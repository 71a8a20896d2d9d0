import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { run, startDetached } from "./child.ts";
import type { EngineClient } from "./engine.ts";
import { PlatformError } from "./failure.ts";
import { indent, systemdRuns } from "./packages.ts";
import { poll } from "./poll.ts";
import type { Progress } from "./progress.ts";
import { quote, writeService } from "./service-files.ts";
import { findProcess } from "./supervisor.ts";

/** Of the machine, shared by all platforms on it. Not under /run, which is often mounted noexec. */
const DOCKERD_DIR = "/var/lib/teal-dockerd";
const READY_MS = 60_000;

/**
 * Makes the Docker engine answer: by systemd where it runs, else by a dockerd of our own that
 * one runsv restarts when it dies.
 * @returns true when it had to be started
 * @throws PlatformError with the engine's last words
 */
export async function ensureEngine({
  engine,
  env,
  progress,
  isRoot = process.getuid?.() === 0,
}: {
  engine: EngineClient;
  env: Record<string, string>;
  progress: Progress;
  isRoot?: boolean;
}): Promise<boolean> {
  if (await engine.version()) return false;
  const systemd = await systemdRuns();
  if (!isRoot) {
    throw new PlatformError(
      `The Docker engine does not answer, and only root can start it. Run:\n  sudo ${systemd ? "systemctl start docker" : "./teal up"}\nIf it runs already, you may not use it yet. Run: sudo usermod -aG docker $USER, and sign in again.`,
    );
  }
  await progress.step("Starting the Docker engine", async () => {
    if (systemd) await run("systemctl", ["enable", "--now", "docker"], { env });
    else
      await superviseDockerd({
        dir: DOCKERD_DIR,
        command: ["dockerd", ...(await dockerdArguments())],
        env,
      });
    if (await poll(async () => (await engine.version()) !== null, READY_MS)) return;
    throw new PlatformError(
      `dockerd does not answer after ${READY_MS / 1000} s. Its last lines:\n${indent(await lastWords(systemd, env))}`,
    );
  });
  return true;
}

/** Options that let containers outlive dockerd, unless this machine's own settings decide it. */
export async function dockerdArguments(
  config = "/etc/docker/daemon.json",
  swarmState = "/var/lib/docker/swarm/docker-state.json",
): Promise<string[]> {
  // dockerd refuses an option that its file names too, and live-restore in a swarm.
  const decided = (await readFile(config, "utf8").catch(() => "")).includes('"live-restore"');
  const inSwarm = await stat(swarmState).then(
    () => true,
    () => false,
  );
  return decided || inSwarm ? [] : ["--live-restore"];
}

/** Starts a dockerd under a runsv of its own, unless one is there. */
export async function superviseDockerd({
  dir,
  command,
  env,
}: {
  dir: string;
  command: string[];
  env: Record<string, string>;
}): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const service = join(dir, "dockerd");
  await writeService(service, {
    name: "dockerd",
    cwd: "/",
    env,
    before: [
      "[ -e /sys/fs/cgroup/cgroup.controllers ] || [ -d /sys/fs/cgroup/memory ] ||",
      "  mount -t cgroup2 cgroup2 /sys/fs/cgroup",
    ],
    command: command.map(quote).join(" "),
    logDir: join(dir, "log"),
  });
  if ((await findProcess("runsv", service)) !== null) return;
  await startDetached("runsv", [service], { env, logFile: join(dir, "runsv.log") });
}

async function lastWords(systemd: boolean, env: Record<string, string>): Promise<string[]> {
  if (systemd) {
    const { stdout } = await run("journalctl", ["-u", "docker", "-n", "15", "--no-pager"], { env });
    return stdout.trimEnd().split("\n");
  }
  return lastLines(join(DOCKERD_DIR, "log"));
}

/** The newest lines of a log that svlogd keeps. */
export async function lastLines(logDir: string, count = 15): Promise<string[]> {
  const text = await readFile(join(logDir, "current"), "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-count);
}
