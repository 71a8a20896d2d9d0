import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis, type RedisOptions } from "ioredis";

export interface TestRedis {
  /** `unix://…`, fit for TEAL_REDIS_URL. */
  url: string;
  /** Path of the unix socket. */
  socket: string;
  /** The server's process, for tests that stop or kill it. */
  server: ChildProcess;
  /** A new connection, closed by `stop`. BullMQ's workers need `{ maxRetriesPerRequest: null }`. */
  connect(options?: RedisOptions): Redis;
  /** Ends connections and server and removes the data. Twice is once. */
  stop(): Promise<void>;
}

/**
 * Starts a private redis-server on a unix socket in a temporary directory, with no port and nothing
 * kept on disk. It dies with the test process at the latest.
 * @throws Error when redis-server is not installed or does not answer within 10 s
 */
export async function startRedis(): Promise<TestRedis> {
  const dir = mkdtempSync(join(tmpdir(), "teal-redis-"));
  const socket = join(dir, "redis.sock");
  const server = spawn(
    "redis-server",
    ["--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "no"],
    { stdio: "ignore" },
  );
  const kill = () => {
    server.kill("SIGKILL");
    rmSync(dir, { recursive: true, force: true });
  };
  process.once("exit", kill);
  const failed = once(server, "error").then(([error]) => {
    throw error;
  });
  const clients = new Set<Redis>();
  const connect = (options: RedisOptions = {}) => {
    const redis = new Redis({ path: socket, retryStrategy: () => 20, ...options });
    redis.on("error", () => {});
    clients.add(redis);
    redis.once("end", () => clients.delete(redis));
    return redis;
  };
  const stop = async () => {
    process.off("exit", kill);
    for (const client of clients) client.disconnect();
    if (server.exitCode === null && server.signalCode === null && server.pid) {
      const ended = once(server, "exit");
      kill();
      await ended;
    }
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await Promise.race([answers(connect({ maxRetriesPerRequest: 500 })), failed]);
  } catch (error) {
    await stop();
    throw error;
  }
  failed.catch(() => {});
  return { url: `unix://${socket}`, socket, server, connect, stop };
}

/** Resolves once the server answers, and closes the connection. Bounded by its retries. */
async function answers(redis: Redis): Promise<void> {
  await redis.ping();
  redis.disconnect();
}
