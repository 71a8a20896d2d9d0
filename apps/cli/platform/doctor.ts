import { readFile, stat, statfs } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { run } from "./child.ts";
import { createEngineClient } from "./engine.ts";
import type { Platform } from "./environment.ts";
import { missingPackages, installCommand } from "./packages.ts";
import { platformPorts, takenPorts } from "./ports.ts";
import { askRedis } from "./ready.ts";
import { platformSupervisor } from "./up.ts";

export interface Finding {
  /** `bad`: the platform cannot work as it should; `warn`: it works, something should be mended. */
  level: "good" | "warn" | "bad";
  what: string;
  /** What was found, in plain words, and what to do about it. */
  says: string;
}

const GIB = 1024 ** 3;
const LOW_DISK = 5 * GIB;
const LEAST_DISK = 1 * GIB;
const LEAST_MEMORY = GIB / 2;
/** The first runc without CVE-2024-21626, by which a container reaches the machine, */
const SAFE_RUNC = "1.1.12";
/** and the first ones of each line without those of 2025, by which it does too. */
const MENDED_RUNC = ["1.2.8", "1.3.3"];
/** A certificate or a signed token fails when the clock is this far off; earlier than this code. */
const EARLIEST_TIME = Date.UTC(2026, 0, 1);

/** Checks the machine and the platform, and changes nothing. */
export async function doctor(platform: Platform): Promise<Finding[]> {
  const checks = [
    checkNode(),
    checkGit(platform),
    checkPackages(platform),
    checkEngine(platform),
    checkDisk(platform),
    checkMemory(),
    checkPorts(platform),
    checkHome(platform),
    checkRedis(platform),
    checkRedisDoor(platform),
    checkMigration(),
    checkClock(),
  ];
  return (await Promise.all(checks)).flat();
}

/** The findings as people read them. */
export function findingLines(findings: readonly Finding[]): string[] {
  const mark = { good: "✓", warn: "!", bad: "✗" };
  const wrong = findings.filter((finding) => finding.level !== "good").length;
  return [
    ...findings.map(({ level, what, says }) => `${mark[level]} ${what}: ${says}`),
    wrong === 0 ? "All is well." : `${wrong} of ${findings.length} findings need attention.`,
  ];
}

/** Negative when `a` is an older version than `b`; what follows the numbers does not count. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string): number[] =>
    (version.match(/^\D*([\d.]+)/)?.[1] ?? "0").split(".").map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let i = 0; i < Math.max(left.length, right.length); i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** What a version of runc means: row 29 of the advisories, container escapes. */
export function judgeRunc(runc: string | null): Finding {
  const what = "runc";
  if (runc === null) return { level: "warn", what, says: "the engine does not tell its version." };
  const line = compareVersions(runc, "1.3") < 0 ? 0 : 1;
  const mended = MENDED_RUNC[line] as string;
  if (compareVersions(runc, mended) >= 0) return { level: "good", what, says: `version ${runc}.` };
  const holes = ["CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"];
  if (compareVersions(runc, SAFE_RUNC) < 0) holes.unshift("CVE-2024-21626");
  return {
    level: "warn",
    what,
    says: `version ${runc} is older than ${mended}, and a container may break out of it (${holes.join(", ")}) unless your distribution has mended it (Debian: 1.1.5+ds1-1+deb12u1 has for CVE-2024-21626). Run: apt-get update && apt-get install --only-upgrade runc`,
  };
}

async function checkNode(): Promise<Finding> {
  const good = compareVersions(process.versions.node, "24") >= 0;
  return {
    level: good ? "good" : "bad",
    what: "node",
    says: `version ${process.versions.node}${good ? "." : ", and 24 or newer is needed. Run: npm ci"}`,
  };
}

async function checkGit({ env }: Platform): Promise<Finding> {
  const { code, stdout } = await run("git", ["--version"], { env });
  return code === 0
    ? { level: "good", what: "git", says: `${stdout.trim().replace("git version", "version")}.` }
    : { level: "bad", what: "git", says: `was not found. Run: ${installCommand(["git"])}` };
}

async function checkPackages({ env, settings }: Platform): Promise<Finding> {
  const engineAnswers = (await createEngineClient(env["DOCKER_HOST"]).version()) !== null;
  const needs = { engineAnswers, ownRedis: settings.redisUrl === null };
  const missing = await missingPackages(env["PATH"] as string, needs);
  return missing.length === 0
    ? { level: "good", what: "packages", says: "all are installed." }
    : { level: "bad", what: "packages", says: `missing. Run: ${installCommand(missing)}` };
}

async function checkEngine({ env }: Platform): Promise<Finding[]> {
  const what = "Docker engine";
  const version = await createEngineClient(env["DOCKER_HOST"]).version();
  if (!version) return [{ level: "bad", what, says: "does not answer. 'teal up' starts it." }];
  return [
    { level: "good", what, says: `version ${version.engine}, API ${version.api}.` },
    judgeRunc(version.runc),
  ];
}

async function checkDisk({ settings }: Platform): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const path of [settings.home, "/var/lib/docker"]) {
    const fs = await statfs(path).catch(() => null);
    if (!fs) continue;
    const free = fs.bavail * fs.bsize;
    const level = free < LEAST_DISK ? "bad" : free < LOW_DISK ? "warn" : "good";
    const todo =
      level === "good" ? "" : " Images need more: free some, e.g. with 'docker image prune'.";
    findings.push({ level, what: "disk", says: `${gib(free)} free for ${path}.${todo}` });
  }
  return findings;
}

async function checkMemory(): Promise<Finding> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(text)?.[1] ?? freemem() / 1024) * 1024;
  const low = available < LEAST_MEMORY;
  return {
    level: low ? "warn" : "good",
    what: "memory",
    says: `${gib(available)} of ${gib(totalmem())} free.${low ? " A build may be ended for lack of it." : ""}`,
  };
}

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

async function checkPorts(platform: Platform): Promise<Finding[]> {
  const what = "ports";
  const states = await platformSupervisor(platform).states();
  if (states.some((service) => service.state === "up")) {
    return [
      { level: "good", what, says: "the platform itself listens ('teal status' shows where)." },
    ];
  }
  const { settings } = platform;
  const taken = await takenPorts(platformPorts(settings), settings.bind);
  if (taken.length === 0) return [{ level: "good", what, says: "all are free." }];
  return taken.map(({ port, what: use, reason, setting }) => ({
    level: "bad",
    what,
    says: `${port} (${use}) is ${reason}. Stop that, or set ${setting} to another port.`,
  }));
}

async function checkHome({ settings: { home } }: Platform): Promise<Finding> {
  const what = "TEAL_HOME";
  const found = await stat(home).catch(() => null);
  if (!found) return { level: "good", what, says: `${home} is not there yet; 'teal up' makes it.` };
  const mine = found.uid === process.getuid?.();
  const shut = (found.mode & 0o077) === 0;
  if (mine && shut) return { level: "good", what, says: `${home} is yours alone.` };
  return {
    level: "bad",
    what,
    says: mine
      ? `${home} is open to others, and it holds secrets. Run: chmod 700 ${home}`
      : `${home} belongs to user ${found.uid}. Run teal as that user, or set TEAL_HOME.`,
  };
}

/** A Redis that is reached over the network must ask for a password: apps may reach it too. */
async function checkRedisDoor({ settings }: Platform): Promise<Finding[]> {
  const url = settings.redisUrl;
  if (url === null || url.startsWith("unix://")) return [];
  const { host } = new URL(url);
  const stranger = { ...settings, redisUrl: `${new URL(url).protocol}//${host}` };
  const open = await askRedis(stranger, (redis) => redis.ping()).catch(() => null);
  if (open === null) return [];
  return [
    {
      level: "bad",
      what: "Redis",
      says: `${host} takes everybody without a password, and apps may reach it: whoever does is master of this platform. Set one (requirepass, or an ACL), and give it in TEAL_REDIS_URL as redis://:PASSWORD@${host}`,
    },
  ];
}

async function checkRedis(platform: Platform): Promise<Finding[]> {
  const what = "Redis";
  const found = await askRedis(platform.settings, async (redis) =>
    Promise.all(
      ["maxmemory-policy", "appendonly", "appendfsync"].map(async (name) => {
        const [, value] = await redis.config("GET", name);
        return value;
      }),
    ),
  );
  if (!found) {
    const own = platform.settings.redisUrl === null;
    return [
      {
        level: own ? "warn" : "bad",
        what,
        says: own ? "does not answer. 'teal up' starts it." : "TEAL_REDIS_URL does not answer.",
      },
    ];
  }
  const [policy, appendonly, fsync] = found;
  const wrong: Finding[] = [];
  if (policy !== "noeviction") {
    wrong.push({
      level: "bad",
      what,
      says: `maxmemory-policy is ${policy}: under memory pressure it forgets deploys. Run: redis-cli config set maxmemory-policy noeviction`,
    });
  }
  if (appendonly !== "yes") {
    wrong.push({
      level: "bad",
      what,
      says: "appendonly is off: a crash forgets deploys. Run: redis-cli config set appendonly yes",
    });
  } else if (fsync !== "always") {
    wrong.push({
      level: "warn",
      what,
      says: `appendfsync is ${fsync}: a power cut may forget the last second. Run: redis-cli config set appendfsync always`,
    });
  }
  return wrong.length > 0
    ? wrong
    : [{ level: "good", what, says: "keeps everything (noeviction, appendonly, fsync always)." }];
}

async function checkMigration(): Promise<Finding> {
  const what = "net.ipv4.tcp_migrate_req";
  const value = await readFile("/proc/sys/net/ipv4/tcp_migrate_req", "utf8").catch(() => null);
  if (value === null)
    return {
      level: "warn",
      what,
      says: "this kernel has no such setting (Linux 5.14 has): a router that is restarted may lose connections that nobody had accepted yet.",
    };
  return value.trim() === "1"
    ? { level: "good", what, says: "is 1." }
    : {
        level: "warn",
        what,
        says: "is 0: a router that is restarted may lose connections that nobody had accepted yet. Run: sysctl -w net.ipv4.tcp_migrate_req=1",
      };
}

async function checkClock(): Promise<Finding> {
  const now = new Date();
  const wrong = now.getTime() < EARLIEST_TIME;
  return {
    level: wrong ? "bad" : "good",
    what: "time",
    says: `${now.toISOString()}${wrong ? " cannot be right: certificates will be refused. Set the clock." : ""}`,
  };
}
