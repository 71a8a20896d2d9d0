import type { Redis } from "ioredis";
import { keys } from "./keys.ts";
import { asking, createScripts } from "./store-scripts.ts";
import type { Instance } from "./types.ts";

/** An instance that ended by itself, or was restarted because it no longer answered. */
export interface Crash {
  /** ms */
  at: number;
  /** Container name; with `at` it names the crash. */
  instance: string;
  /** `web.1` */
  process: string;
  release: number;
  deploy: string;
  /** What ended it: the platform itself ends what is `hung`. */
  cause: "exit" | "memory" | "hung";
  /** Of its process; with `hung` what the check said stands in `detail`. */
  status: number;
  detail?: string;
}

/** So many crashes of one instance within this time are a crash loop. */
export const LOOP = { crashes: 5, withinMs: 5 * 60_000, toldOnceInMs: 60 * 60_000 };

/** Longer than instances stay ill unnoticed: what is gone meanwhile leaves nothing behind. */
const SPARED_MS = 30 * 24 * 60 * 60_000;

/** Signals that end a process by themselves, by number. */
const SIGNALS: Record<number, string> = {
  ...{ 1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS" },
  ...{ 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM", 31: "SIGSYS" },
};

/** What the status of an ended process means: `status 139 (SIGSEGV)`. */
function nameStatus(status: number): string {
  const signal = SIGNALS[status - 128];
  const says = signal ?? (status === 126 ? "its command cannot be run" : null);
  const meaning = says ?? (status === 127 ? "its command was not found" : null);
  return meaning ? `status ${status} (${meaning})` : `status ${status}`;
}

/** `web.1 ended with status 1`, as people read it. */
export function describeCrash({ process, cause, status, detail }: Crash): string {
  if (cause === "memory") return `${process} ran out of memory (${detail ?? nameStatus(status)})`;
  if (cause === "hung") return `${process} was restarted (${detail ?? ""})`;
  return `${process} ended with ${nameStatus(status)}`;
}

export interface Crashes {
  /** Twice is once. True when it makes a crash loop that nobody was told of. */
  record(app: string, crash: Crash): Promise<boolean>;
  /** Has it told that an instance is not well and yet left alone: once, until it has recovered. */
  spare(instance: Pick<Instance, "id" | "deploy">, says: string): Promise<void>;
  /** Was it told so of the instance, and has it not recovered since? */
  isSpared(instance: string): Promise<boolean>;
  /** The instance is well again. */
  recovered(instance: string): Promise<void>;
  /** The newest 100 at most, oldest first, those before `since` (ms) left out. */
  list(app: string, since?: number): Promise<Crash[]>;
}

export function createCrashes(redis: Redis): Crashes {
  const { run } = createScripts(redis);
  return {
    async record(app, crash) {
      const { at, instance } = crash;
      const minutes = LOOP.withinMs / 60_000;
      const tells = `${describeCrash(crash)}, time ${LOOP.crashes} within ${minutes} minutes`;
      const loop = [LOOP.withinMs, LOOP.crashes, LOOP.toldOnceInMs, tells];
      const [fresh] = await run("record-crash", app, at, JSON.stringify(crash), instance, ...loop);
      return fresh === 1;
    },
    async spare({ id, deploy }, says) {
      await run("tell-once", "*", "spared", id, says, SPARED_MS, `${deploy} check-failing ${says}`);
    },
    isSpared: async (id) => (await asking(() => redis.exists(keys.spared(id)))) === 1,
    async recovered(id) {
      await asking(() => redis.del(keys.spared(id)));
    },
    async list(app, since = 0) {
      const all = await asking(() => redis.zrangebyscore(keys.crashes(app), since, "+inf"));
      return all.map((json) => JSON.parse(json) as Crash);
    },
  };
}

/** True while an instance's crashes of late are a loop. */
export function isLooping(crashes: Crash[], instance: string, now: number): boolean {
  const late = crashes.filter((it) => it.instance === instance && it.at > now - LOOP.withinMs);
  return late.length >= LOOP.crashes;
}
