import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PlatformError } from "./failure.ts";
import { quote, type Service } from "./service-files.ts";
import type { Platform } from "./environment.ts";

export const REDIS_SERVICE = "redis";

/** What each process type's code is; a change elsewhere does not restart it. */
const CODE: Record<string, string[]> = {
  router: ["router", "apps/*"],
};
const ALL_CODE = [
  "apps/*",
  "apps/lua",
  "apps/api",
  "apps/dashboard",
  "buildpacks",
  "hooks",
  "router",
  "workers",
];

/** Process types and commands of a Procfile's text. */
export function readProcfile(text: string): Map<string, string> {
  const processes = new Map<string, string>();
  for (const line of text.split("\n")) {
    const found = /^([A-Za-z][\w-]*):\s*(\S.*)$/.exec(line.trim());
    if (found?.[1] && found[2]) processes.set(found[1], found[2].trim());
  }
  return processes;
}

/**
 * The services of a platform: its own redis-server unless TEAL_REDIS_URL is set, and the
 * Procfile's processes, as many of each as the settings say.
 */
export async function platformServices(platform: Platform, procfile: string): Promise<Service[]> {
  const { root, settings, env } = platform;
  const processes = readProcfile(procfile);
  if (processes.size === 0) throw new PlatformError("The Procfile names no process.");
  const counts: Record<string, number> = { worker: settings.workers, router: settings.routers };
  const services: Service[] = settings.redisUrl === null ? [redisService(platform)] : [];
  for (const [type, command] of processes) {
    const print = await codePrint(root, CODE[type] ?? ALL_CODE);
    for (let index = 1; index <= (counts[type] ?? 1); index += 1) {
      const name = `${type}-${index}`;
      services.push({
        name,
        cwd: root,
        env: { ...env, NODE_ENV: "production", TEAL_PROCESS_INDEX: String(index) },
        command,
        logDir: join(settings.paths.logs, name),
        print,
      });
    }
  }
  return services;
}

function redisService({ settings, env }: Platform): Service {
  const { paths } = settings;
  return {
    name: REDIS_SERVICE,
    cwd: paths.redis,
    env: { PATH: env["PATH"] as string, HOME: env["HOME"] as string },
    command: `redis-server ${redisArguments(settings).map(quote).join(" ")}`,
    logDir: join(paths.logs, REDIS_SERVICE),
  };
}

/** A redis-server that loses nothing it has acknowledged, reachable by this user alone. */
function redisArguments({ paths }: Platform["settings"]): string[] {
  const options: Record<string, string> = {
    port: "0",
    unixsocket: paths.redisSocket,
    unixsocketperm: "700",
    dir: paths.redis,
    daemonize: "no",
    appendonly: "yes",
    appendfsync: "always",
    save: "",
    "maxmemory-policy": "noeviction",
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
}

/** A digest of the lockfile and of the TypeScript below `folders` (`x/*`: the folder's own files). */
async function codePrint(root: string, folders: string[]): Promise<string> {
  const lists = await Promise.all(folders.map(async (folder) => codeFiles(root, folder)));
  const files = ["package-lock.json", ...lists.flat().toSorted()];
  const hash = createHash("sha256");
  for (const file of files) {
    hash.update(`${file}\0`).update(await readFile(join(root, file)).catch(() => ""));
  }
  return hash.digest("hex").slice(0, 16);
}

async function codeFiles(root: string, folder: string): Promise<string[]> {
  const own = folder.endsWith("/*");
  const dir = own ? folder.slice(0, -2) : folder;
  const entries = await readdir(join(root, dir), { recursive: !own, withFileTypes: true }).catch(
    () => [],
  );
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}
