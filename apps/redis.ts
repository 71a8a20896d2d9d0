import { Redis, type RedisOptions } from "ioredis";
import type { Settings } from "./config.ts";
import type { Log } from "./log.ts";

/**
 * Opens a connection to the store. It reconnects for ever; commands fail at once while it is
 * down unless `wait` is set (BullMQ's blocking connections need `wait`).
 */
export function connectRedis(
  settings: Pick<Settings, "redisUrl" | "paths">,
  log: Log,
  { wait = false }: { wait?: boolean } = {},
): Redis {
  const options: RedisOptions = {
    maxRetriesPerRequest: wait ? null : 1,
    enableOfflineQueue: true,
    retryStrategy: (times) => Math.min(50 * times, 1000),
    enableReadyCheck: true,
  };
  const url = settings.redisUrl;
  const path = url === null ? settings.paths.redisSocket : unixPath(url);
  const redis = path ? new Redis({ ...options, path }) : new Redis(url as string, options);
  let down = false;
  redis.on("error", (error: Error) => {
    if (!down) log.warn({ error: error.message }, "redis is out of reach");
    down = true;
  });
  redis.on("ready", () => {
    if (down) log.info({}, "redis is back");
    down = false;
  });
  return redis;
}

function unixPath(url: string): string | null {
  return url.startsWith("unix://") ? url.slice("unix://".length) : null;
}
