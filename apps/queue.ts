import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { APP_NAME } from "./types.ts";

/**
 * The queue contract. A job says only "there is work for app X": what the work is stands in the
 * store, so a job lost or delivered twice loses and repeats nothing. Payloads hold no secrets.
 */
interface Job {
  app: string;
}

const NAME = "teal-work";

export interface WorkQueue {
  /** Tells some worker that `app` has work. Returns when the job is durable. */
  wake(app: string): Promise<void>;
  /** How many jobs are in which state. */
  counts(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** @param redis any connection to the store; not closed here. */
export function createQueue(redis: Redis): WorkQueue {
  const queue = new Queue<Job>(NAME, { connection: redis });
  queue.on("error", () => {
    // Reported once by the connection's own listener.
  });
  return {
    async wake(app) {
      await queue.add("work", { app }, { removeOnComplete: true, removeOnFail: true });
    },
    counts: () => queue.getJobCounts("waiting", "active", "delayed", "failed"),
    close: () => queue.close(),
  };
}

/**
 * Runs `work` for every job, many at once: builds have their own limit, and a rollback never
 * waits behind them.
 * @param redis a connection opened with `wait`; not closed here.
 * @param times `lockMs`: a worker that is silent for so long loses its jobs; `stalledMs`: how often that is looked at.
 */
export function consumeQueue(
  redis: Redis,
  work: (app: string) => Promise<void>,
  times: { lockMs: number; stalledMs: number },
): { close(): Promise<void> } {
  const worker = new Worker<Job>(NAME, (job) => work(appOf(job.data)), {
    connection: redis,
    concurrency: 100,
    lockDuration: times.lockMs,
    stalledInterval: times.stalledMs,
    maxStalledCount: 5,
  });
  worker.on("error", () => {
    // Reported once by the connection's own listener.
  });
  return { close: () => worker.close() };
}

/** Of a job that another program could have written, nothing but the name of an app is taken. */
function appOf({ app }: Job): string {
  if (typeof app === "string" && APP_NAME.test(app)) return app;
  throw new Error("a job with the name of an app was expected");
}
