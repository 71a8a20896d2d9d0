import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { inflateSync } from "node:zlib";
import { Redis } from "ioredis";

const run = promisify(execFile);

/** What is looked for: a beginning that all secrets of a test share, and secrets that others made. */
export interface Wanted {
  mark: string;
  made: Record<string, string>;
}

/** The ways in which a secret may be written down. */
function forms(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    // What the bytes before and after it have a part in is left out.
    return text.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + bytes.length) * 4) / 3) - 1);
  });
  return [secret, bytes.toString("hex"), ...base64];
}

/** Finds secrets in text or bytes: each with a few characters around it. */
export function createSearch({ mark, made }: Wanted) {
  const needles = [mark, ...Object.values(made)].flatMap((secret) =>
    forms(secret).map((form) => Buffer.from(form)),
  );
  return function find(where: string, what: string | Buffer): string[] {
    const bytes = typeof what === "string" ? Buffer.from(what) : what;
    return needles.flatMap((needle) => {
      const at = bytes.indexOf(needle);
      if (at < 0) return [];
      const around = bytes.subarray(Math.max(0, at - 80), at + needle.length + 40);
      return [`${where}: …${JSON.stringify(around.toString("latin1"))}…`];
    });
  };
}

export type Find = ReturnType<typeof createSearch>;

/** All files below a folder; git's objects as what they hold. */
export async function searchFiles(find: Find, dir: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory() && entry.name.endsWith(".git")) {
      const list = ["cat-file", "--batch-all-objects", "--batch", "--buffer"];
      const env = { PATH: process.env["PATH"] ?? "", GIT_DIR: path };
      const { stdout } = await run("git", list, {
        env,
        encoding: "buffer",
        maxBuffer: 2 ** 30,
      });
      found.push(...find(`objects of ${path}`, stdout));
    }
    if (entry.isFile()) found.push(...find(path, contentOf(path)));
  }
  return found;
}

function contentOf(path: string): Buffer {
  const bytes = readFileSync(path);
  if (!/\/objects\/[0-9a-f]{2}\/[0-9a-f]{38}$/.test(path)) return bytes;
  return inflateSync(bytes);
}

/** All keys and all values of a Redis. */
export async function searchRedis(find: Find, path: string): Promise<string[]> {
  const redis = new Redis({ path });
  const readers: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => redis.get(key),
    hash: (key) => redis.hgetall(key),
    list: (key) => redis.lrange(key, 0, -1),
    set: (key) => redis.smembers(key),
    zset: (key) => redis.zrange(key, "0", "-1"),
    stream: (key) => redis.xrange(key, "-", "+"),
  };
  try {
    const found: string[] = [];
    for (const key of await redis.keys("*")) {
      const type = await redis.type(key);
      if (type === "none") continue;
      const read = readers[type];
      if (!read) throw new Error(`a value of type ${type} was not expected`);
      found.push(...find(`redis ${key}`, `${key} ${JSON.stringify(await read(key))}`));
    }
    return found;
  } finally {
    redis.disconnect();
  }
}

/** Listens to every command that a Redis is sent, what scripts and queues say too. */
export async function overhearRedis(path: string) {
  const redis = new Redis({ path });
  const monitor = await redis.monitor();
  const heard: string[] = [];
  monitor.on("monitor", (_time: string, args: string[]) => heard.push(args.join(" ")));
  return {
    heard,
    stop(): void {
      monitor.disconnect();
      redis.disconnect();
    },
  };
}

/** Looks at the arguments and the environment of processes, and of all that they start. */
export function watchProcesses(roots: () => number[]) {
  const seen = new Map<string, { looks: number; ours: boolean }>();
  const said = new Map<string, string>();

  function parentOf(pid: string): string {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? "0";
  }

  function isOurs(pid: string, ours: Set<string>): boolean {
    for (let at = pid; at !== "0" && at !== "1"; at = parentOf(at)) if (ours.has(at)) return true;
    return false;
  }

  function look(): void {
    const ours = new Set(roots().map(String));
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const known = seen.get(pid) ?? { looks: 0, ours: isOurs(pid, ours) };
        seen.set(pid, known);
        // A process has its own after it has begun another program.
        if (!known.ours || known.looks++ > 5) continue;
        for (const file of ["cmdline", "environ"]) {
          const text = readFileSync(`/proc/${pid}/${file}`, "latin1").replaceAll("\0", " ");
          said.set(`${file} of ${pid} ${text.slice(0, 60)}`, text);
        }
      } catch {
        // it has ended
      }
    }
  }

  const timer = setInterval(look, 10);
  return {
    said,
    stop: () => clearInterval(timer),
  };
}

/** All that the engine tells of images: what they say of themselves, and every file of every layer. */
export async function searchImages(find: Find, images: string[]): Promise<string[]> {
  const options = { maxBuffer: 2 ** 30 };
  const inspected = await run("docker", ["inspect", ...images], options);
  const found = find("docker inspect", inspected.stdout);
  for (const image of images) {
    const { stdout } = await run("docker", ["history", "--no-trunc", image], options);
    found.push(...find(`docker history ${image}`, stdout));
  }
  const saved = await run("docker", ["save", ...images], {
    encoding: "buffer",
    maxBuffer: 2 ** 31,
  });
  return [...found, ...find("docker save", saved.stdout)];
}
