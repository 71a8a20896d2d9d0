import type { Redis } from "ioredis";
import { channels } from "./keys.ts";

/** Tells who looks at something that it may have changed. It says too often rather than too seldom. */
export interface News {
  /** @param app of one app alone; of all when null */
  listen(
    app: string | null,
    signal: AbortSignal,
  ): {
    /** Resolves with the first news from now on, or when the signal aborts. */
    next(): Promise<void>;
    end(): void;
  };
  /** Wakes who listens to the app in this process. */
  tell(app: string): void;
  close(): void;
}

const CHANNELS = [
  channels.deployEvents,
  channels.routeEvents,
  channels.seriesEvents,
  // Who changed something that is no deploy is in the audit log.
  channels.events,
];

/** One subscriber connection beside `redis`, opened by the first that listens; `close` ends it. */
export function createNews(redis: Redis): News {
  const listeners = new Map<() => void, string | null>();
  let subscriber: Redis | null = null;

  function tell(about: string | null): void {
    for (const [ring, app] of listeners) {
      if (about === null || app === null || app === about) ring();
    }
  }

  function open(): void {
    if (subscriber) return;
    subscriber = redis.duplicate({ maxRetriesPerRequest: null });
    subscriber.on("error", () => {});
    // What was said while the connection was away is heard by nobody.
    subscriber.on("ready", () => tell(null));
    subscriber.on("message", (channel: string, message: string) => tell(appOf(channel, message)));
    subscriber.subscribe(...CHANNELS).catch(() => {});
  }

  return {
    listen(app, signal) {
      open();
      let news = Promise.withResolvers<void>();
      const ring = () => news.resolve();
      listeners.set(ring, app);
      signal.addEventListener("abort", ring, { once: true });
      return {
        next() {
          news = Promise.withResolvers<void>();
          if (signal.aborted) news.resolve();
          return news.promise;
        },
        end() {
          listeners.delete(ring);
          signal.removeEventListener("abort", ring);
        },
      };
    },
    tell,
    close() {
      subscriber?.disconnect();
      subscriber = null;
    },
  };
}

/** The app that a message is about; null: any. */
function appOf(channel: string, message: string): string | null {
  if (channel === channels.deployEvents) return /^(.+)-\d+$/.exec(message)?.[1] ?? null;
  if (channel === channels.seriesEvents) return message || null;
  if (channel === channels.events) return null;
  try {
    const event = JSON.parse(message) as { app?: string; route?: { app: string } };
    return event.app ?? event.route?.app ?? null;
  } catch {
    return null;
  }
}
