import { access, constants, readFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { run } from "./child.ts";
import { PlatformError } from "./failure.ts";
import type { Progress } from "./progress.ts";

interface Need {
  /** The Debian package. */
  name: string;
  /** A program in PATH, or a file, that shows that it is there. */
  shows: string;
}

const TOOLS: Need[] = [
  { name: "runit", shows: "runsvdir" },
  { name: "debootstrap", shows: "debootstrap" },
  { name: "git", shows: "git" },
  { name: "openssh-client", shows: "ssh" },
  { name: "ca-certificates", shows: "/etc/ssl/certs/ca-certificates.crt" },
];
const ENGINE: Need[] = [
  { name: "docker.io", shows: "dockerd" },
  { name: "iptables", shows: "iptables" },
];
const REDIS: Need[] = [{ name: "redis-server", shows: "redis-server" }];
/** What only the tests need. */
const TESTS: Need[] = [
  { name: "chromium", shows: "chromium" },
  { name: "pebble", shows: "pebble" },
  { name: "nginx-light", shows: "nginx" },
  { name: "zsh", shows: "zsh" },
  { name: "faketime", shows: "faketime" },
  { name: "fish", shows: "fish" },
];

/** Names of the Debian packages that this machine lacks. */
export async function missingPackages(
  path: string,
  { engineAnswers, ownRedis }: { engineAnswers: boolean; ownRedis: boolean },
): Promise<string[]> {
  const needs = [...(engineAnswers ? [] : ENGINE), ...(ownRedis ? REDIS : []), ...TOOLS];
  return namesOfMissing(needs, path);
}

/** Names of the Debian packages that the tests need besides, and this machine lacks. */
export function missingTestPackages(path: string): Promise<string[]> {
  return namesOfMissing(TESTS, path);
}

async function namesOfMissing(needs: readonly Need[], path: string): Promise<string[]> {
  const there = await Promise.all(needs.map((need) => isThere(need.shows, path)));
  return needs.filter((_, i) => !there[i]).map((need) => need.name);
}

async function isThere(shows: string, path: string): Promise<boolean> {
  const places = shows.startsWith("/") ? [shows] : path.split(delimiter).map((d) => join(d, shows));
  for (const place of places) {
    if (await reachable(place)) return true;
  }
  return false;
}

async function reachable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** True where systemd is the init system that runs now. */
export async function systemdRuns(): Promise<boolean> {
  return reachable("/run/systemd/system");
}

/** The command that a person would run to install `packages`. */
export function installCommand(packages: readonly string[]): string {
  return `apt-get update && apt-get install -y --no-install-recommends ${packages.join(" ")}`;
}

/**
 * Installs Debian packages.
 * @throws PlatformError, when not root or not on Debian/Ubuntu, with the command to run
 */
export async function installPackages(
  packages: readonly string[],
  { env, progress, logFile }: { env: Record<string, string>; progress: Progress; logFile: string },
): Promise<void> {
  await mayInstall(packages);
  const apt = async (note: (text: string) => void, ...args: string[]) =>
    run("apt-get", ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", ...args], {
      env: {
        ...env,
        DEBIAN_FRONTEND: "noninteractive",
        NEEDRESTART_SUSPEND: "1",
        // Outside systemd this keeps the packages from starting services of their own.
        RUNLEVEL: "1",
      },
      logFile,
      onLine: note,
    });
  await progress.step(`Installing ${packages.join(", ")}`, async (note) => {
    const update = await apt(note, "update");
    const install = await apt(note, "install", "-y", "--no-install-recommends", ...packages);
    if (install.code === 0) return;
    const lines = update.code === 0 ? install.tail : [...update.tail, ...install.tail];
    throw new PlatformError(
      `apt-get could not install ${packages.join(", ")} (whole output: ${logFile}):\n${indent(lines)}\nMend the cause, then run: ${installCommand(packages)}`,
    );
  });
  if (packages.includes("redis-server")) await disableDistributionRedis(env);
}

async function mayInstall(packages: readonly string[]): Promise<void> {
  const release = await readFile("/etc/os-release", "utf8").catch(() => "");
  const system = /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? process.platform;
  if (!isDebian(release)) {
    throw new PlatformError(
      `Missing on this machine: ${packages.join(", ")} (Debian's names). They are installed by itself on Debian and Ubuntu only, and this is ${system}.\nInstall them, then run 'teal up' again.`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new PlatformError(
      `Missing on this machine: ${packages.join(", ")}. Only root can install them. Run:\n  sudo sh -c '${installCommand(packages)}'\nand then 'teal up' again.`,
    );
  }
}

/** True for Debian, Ubuntu and what is derived from them, by the text of /etc/os-release. */
export function isDebian(osRelease: string): boolean {
  const words = /^ID(?:_LIKE)?=(.*)$/gm;
  return [...osRelease.matchAll(words)].some(([, value]) =>
    /\b(debian|ubuntu)\b/.test(value ?? ""),
  );
}

/** The package starts a server of its own on port 6379; Teal's runs beside it on a unix socket. */
async function disableDistributionRedis(env: Record<string, string>): Promise<void> {
  if (await systemdRuns()) await run("systemctl", ["disable", "--now", "redis-server"], { env });
}

/** Lines under an error message. */
export function indent(lines: readonly string[]): string {
  return lines.map((line) => `    ${line}`).join("\n");
}
