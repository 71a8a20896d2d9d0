import { join } from "node:path";
import type { ServiceState } from "./supervisor.ts";

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

export function judgeNode(version: string): Finding {
  const good = compareVersions(version, "24") >= 0;
  const todo = good ? "." : ", and 24 or newer is needed. Run: npm ci";
  return { level: good ? "good" : "bad", what: "node", says: `version ${version}${todo}` };
}

/** @param free bytes left for `path` */
export function judgeDisk(path: string, free: number): Finding {
  const level = free < LEAST_DISK ? "bad" : free < LOW_DISK ? "warn" : "good";
  const todo =
    level === "good" ? "" : " Images need more: free some, e.g. with 'docker image prune'.";
  return { level, what: "disk", says: `${gib(free)} free for ${path}.${todo}` };
}

/** In bytes. */
export function judgeMemory(available: number, total: number): Finding {
  const low = available < LEAST_MEMORY;
  return {
    level: low ? "warn" : "good",
    what: "memory",
    says: `${gib(available)} of ${gib(total)} free.${low ? " A build may be ended for lack of it." : ""}`,
  };
}

/** The platform's processes as their supervisor has them. @param logs folder with one of each */
export function judgeProcesses(services: ServiceState[], logs: string): Finding[] {
  const what = "processes";
  if (services.length === 0) {
    return [{ level: "good", what, says: "none has been started yet; 'teal up' does it." }];
  }
  if (services.every(({ state }) => state !== "up")) {
    const says = "the platform does not run: nothing can be deployed. 'teal up' starts it.";
    return [{ level: "bad", what, says }];
  }
  const wrong = services.flatMap(({ name, state, crashes }): Finding[] => {
    const log = join(logs, name, "current");
    if (state !== "up") {
      const says = `${name} does not run. Why is in ${log}; 'teal up' starts it.`;
      return [{ level: "bad", what, says }];
    }
    if (crashes === 0) return [];
    return [{ level: "warn", what, says: `${name} has crashed ${crashes} times. See ${log}` }];
  });
  return wrong.length > 0 ? wrong : [{ level: "good", what, says: "all run." }];
}

/** Settings of Redis; undefined: it does not tell. */
export function judgeRedis(
  policy: string | undefined,
  appendonly: string | undefined,
  fsync: string | undefined,
): Finding[] {
  const what = "Redis";
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

/** @param value of net.ipv4.tcp_migrate_req; null: this kernel has none */
export function judgeMigration(value: string | null): Finding {
  const what = "net.ipv4.tcp_migrate_req";
  const loses = "a router that is restarted may lose connections that nobody had accepted yet.";
  if (value === null) {
    const says = `this kernel has no such setting (Linux 5.14 has): ${loses}`;
    return { level: "warn", what, says };
  }
  if (value.trim() === "1") return { level: "good", what, says: "is 1." };
  return { level: "warn", what, says: `is 0: ${loses} Run: sysctl -w net.ipv4.tcp_migrate_req=1` };
}

export function judgeClock(now: Date): Finding {
  const wrong = now.getTime() < EARLIEST_TIME;
  const todo = " cannot be right: certificates will be refused. Set the clock.";
  return {
    level: wrong ? "bad" : "good",
    what: "time",
    says: `${now.toISOString()}${wrong ? todo : ""}`,
  };
}

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;
