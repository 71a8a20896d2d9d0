import { readFile, stat, statfs } from "node:fs/promises";
import { freemem, totalmem } from "node:os";
import { run } from "./child.ts";
import { createEngineClient } from "./engine.ts";
import type { Platform } from "./environment.ts";
import { checkMetadata } from "./metadata.ts";
import { missingPackages, installCommand } from "./packages.ts";
import { platformPorts, takenPorts } from "./ports.ts";
import {
  judgeClock,
  judgeDisk,
  judgeMemory,
  judgeMigration,
  judgeNode,
  judgeProcesses,
  judgeRedis,
  judgeRunc,
  type Finding,
} from "./doctor-judge.ts";
import { askRedis } from "./ready.ts";
import { platformSupervisor } from "./up.ts";

/** Checks the machine and the platform, and changes nothing. */
export async function doctor(platform: Platform): Promise<Finding[]> {
  const checks = [
    checkGit(platform),
    checkPackages(platform),
    checkEngine(platform),
    checkDisk(platform),
    checkMemory(),
    checkProcesses(platform),
    checkHome(platform),
    checkRedis(platform),
    checkRedisDoor(platform),
    checkMetadata(platform),
    checkMigration(),
  ];
  const found = (await Promise.all(checks)).flat();
  return [judgeNode(process.versions.node), ...found, judgeClock(new Date())];
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
    if (fs) findings.push(judgeDisk(path, fs.bavail * fs.bsize));
  }
  return findings;
}

async function checkMemory(): Promise<Finding> {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const available = Number(/^MemAvailable:\s+(\d+)/m.exec(text)?.[1] ?? freemem() / 1024) * 1024;
  return judgeMemory(available, totalmem());
}

/** Ports only where nothing of the platform has them. */
async function checkProcesses(platform: Platform): Promise<Finding[]> {
  const states = await platformSupervisor(platform).states();
  const found = judgeProcesses(states, platform.settings.paths.logs);
  const runs = states.some((service) => service.state === "up");
  return runs ? found : [...found, ...(await checkPorts(platform))];
}

async function checkPorts({ settings }: Platform): Promise<Finding[]> {
  const what = "ports";
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
  return judgeRedis(policy, appendonly, fsync);
}

async function checkMigration(): Promise<Finding> {
  const file = "/proc/sys/net/ipv4/tcp_migrate_req";
  return judgeMigration(await readFile(file, "utf8").catch(() => null));
}
