import type { Redis } from "ioredis";

export interface Bell {
  /** News for `name` from now on; `end` when nobody waits any more. */
  listen(name: string): { next(): Promise<void>; end(): void };
  close(): void;
}

/**
 * Tells all who wait for news by name that a message of that text came on a channel. The one
 * subscriber connection is opened by the first that listens. Who waits polls besides, so that an
 * error here costs them one wait at most.
 */
export function createBell(redis: Redis, channel: string): Bell {
  const waiting = new Map<string, Set<() => void>>();
  let subscriber: Redis | null = null;

  const open = () => {
    if (subscriber) return;
    subscriber = redis.duplicate({ maxRetriesPerRequest: null });
    subscriber.on("error", () => {});
    subscriber.on("message", (_channel, name) => {
      for (const ring of waiting.get(name) ?? []) ring();
    });
    subscriber.subscribe(channel).catch(() => {});
  };

  return {
    listen(name) {
      open();
      let news = Promise.withResolvers<void>();
      const ring = () => news.resolve();
      const listeners = waiting.get(name) ?? new Set();
      waiting.set(name, listeners.add(ring));
      return {
        /** Resolves with the first message from now on. */
        next(): Promise<void> {
          news = Promise.withResolvers<void>();
          return news.promise;
        },
        end() {
          listeners.delete(ring);
          if (listeners.size === 0) waiting.delete(name);
        },
      };
    },
    close() {
      subscriber?.disconnect();
      subscriber = null;
    },
  };
}

/** Resolves with `news`, after `ms`, or when the signal aborts, whichever comes first. */
export async function newsOr(news: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(done.resolve, ms);
  const resolve = () => done.resolve();
  signal.addEventListener("abort", resolve, { once: true });
  if (signal.aborted) resolve();
  await Promise.race([news, done.promise]);
  clearTimeout(timer);
  signal.removeEventListener("abort", resolve);
}
