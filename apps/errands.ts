import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { asking } from "./store-scripts.ts";

/** Something that goes, or would. */
export interface Removal {
  kind: "image" | "cache" | "source" | "scratch";
  name: string;
  why: string;
  /** As far as it is known; 0 where others share it. */
  bytes: number;
}

export interface Collected {
  dryRun: boolean;
  removed: Removal[];
  /** What could not be removed, and why. */
  failed: string[];
  /** What stays: the platform's images, and the engine's whole build cache, in bytes. */
  kept: { images: number; imageBytes: number; cacheBytes: number };
  /** Free on the platform's disk before and after, bytes. */
  freeBefore: number;
  freeAfter: number;
}

/** Questions that only a worker can answer: it alone talks to the engine. */
export type Errand =
  | { kind: "gc"; dryRun: boolean }
  | { kind: "sbom"; app: string; release: number };

export type ErrandState =
  | { state: "waiting" }
  | { state: "done"; value: unknown }
  | { state: "failed"; error: string };

export interface Errands {
  /** Gives the errand's id. @throws store-unavailable */
  ask(errand: Errand): Promise<string>;
  /** Null when there is no such errand, or it is forgotten. @throws store-unavailable */
  look(id: string): Promise<{ errand: Errand; state: ErrandState } | null>;
  /** From now on garbage is collected so often, by whichever worker is free. */
  schedule(everyMs: number): Promise<void>;
  close(): Promise<void>;
}

const NAME = "teal-errands";
/** An answer is kept for so long, s. */
const KEEP_S = 900;

/** @param redis any connection to the store; not closed here. */
export function createErrands(redis: Redis): Errands {
  const queue = new Queue<Errand>(NAME, { connection: redis });
  queue.on("error", () => {
    // Reported once by the connection's own listener.
  });
  const kept = { removeOnComplete: { age: KEEP_S }, removeOnFail: { age: KEEP_S } };
  return {
    ask: (errand) =>
      asking(async () => {
        const job = await queue.add(errand.kind, errand, kept);
        return job.id ?? "";
      }),
    look: (id) =>
      asking(async () => {
        const job = await queue.getJob(id);
        if (!job) return null;
        const state = await job.getState();
        if (state === "completed")
          return { errand: job.data, state: { state: "done", value: job.returnvalue as unknown } };
        if (state === "failed")
          return { errand: job.data, state: { state: "failed", error: job.failedReason } };
        return { errand: job.data, state: { state: "waiting" } };
      }),
    async schedule(every) {
      const template = { name: "gc", data: { kind: "gc", dryRun: false } as const, opts: kept };
      await queue.upsertJobScheduler("gc", { every, startDate: Date.now() + every }, template);
    },
    close: () => queue.close(),
  };
}

/** Runs errands one after the other. @param redis a connection opened with `wait`; not closed here. */
export function consumeErrands(
  redis: Redis,
  run: (errand: Errand) => Promise<unknown>,
): { close(): Promise<void> } {
  const worker = new Worker<Errand>(NAME, (job) => run(job.data), {
    connection: redis,
    concurrency: 1,
    lockDuration: 60_000,
  });
  worker.on("error", () => {
    // Reported once by the connection's own listener.
  });
  return { close: () => worker.close(true) };
}
