import { join } from "node:path";
import { connectRedis } from "../../redis.ts";
import type { Settings } from "../../config.ts";
import { lastLines } from "./dockerd.ts";
import { PlatformError } from "./failure.ts";
import { indent } from "./packages.ts";
import { poll } from "./poll.ts";
import { accepts, localHost } from "./ports.ts";
import { REDIS_SERVICE } from "./services.ts";
import type { Supervisor } from "./supervisor.ts";

const READY_MS = 60_000;
/** A process that has run for this long is taken not to end at once, in seconds. */
const STEADY_SECONDS = 2;

interface Check {
  what: string;
  /** Service whose log tells why it does not hold. */
  service: string;
  holds(): Promise<boolean>;
}

/**
 * Waits until every process answers.
 * @throws PlatformError naming what does not come up, with the last lines of its log
 */
export async function waitUntilReady({
  settings,
  supervisor,
  services,
  note,
  readyMs = READY_MS,
}: {
  settings: Settings;
  supervisor: Supervisor;
  services: readonly string[];
  note: (text: string) => void;
  readyMs?: number | undefined;
}): Promise<void> {
  const checks = [...answers(settings, services), ...steady(supervisor, services)];
  let failing: Check[] = checks;
  const ready = await poll(async () => {
    const results = await Promise.all(failing.map(async (check) => check.holds()));
    failing = failing.filter((_, i) => !results[i]);
    note(failing.length > 0 ? `waiting for ${failing[0]?.what}` : "");
    return failing.length === 0;
  }, readyMs);
  if (ready) return;
  const parts = failing.map(async ({ what, service }) => {
    const dir = join(settings.paths.logs, service);
    return `${what} did not come up within ${readyMs / 1000} s. Last lines of ${dir}/current:\n${indent(await lastLines(dir))}`;
  });
  throw new PlatformError([...new Set(await Promise.all(parts))].join("\n"));
}

function answers(settings: Settings, services: readonly string[]): Check[] {
  const host = localHost(settings);
  const all: Check[] = [
    {
      what: "the store (Redis)",
      service: REDIS_SERVICE,
      holds: async () => (await askRedis(settings)) !== null,
    },
    {
      what: `the API on port ${settings.apiPort}`,
      service: "web-1",
      holds: async () => healthy(`http://${host}:${settings.apiPort}/api/v1/health`),
    },
    {
      what: `git over SSH on port ${settings.sshPort}`,
      service: "web-1",
      holds: async () => accepts(settings.sshPort, host),
    },
    {
      what: `the router on port ${settings.routerPort}`,
      service: "router-1",
      holds: async () => accepts(settings.routerPort, host),
    },
  ];
  return all.filter((check) => services.includes(check.service));
}

function steady(supervisor: Supervisor, services: readonly string[]): Check[] {
  return services.map((service) => ({
    what: service,
    service,
    holds: async () => {
      const [state] = await supervisor.states([service]);
      return state?.state === "up" && state.seconds >= STEADY_SECONDS;
    },
  }));
}

/** True when the address answers 200 in time. */
export async function healthy(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(3000) });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * Asks the store something, on a connection that is closed afterwards.
 * @returns null when it does not answer within 3 s
 */
export async function askRedis<T = string>(
  settings: Settings,
  question: (redis: ReturnType<typeof connectRedis>) => Promise<T> = async (redis) =>
    (await redis.ping()) as T,
): Promise<T | null> {
  const redis = connectRedis(settings, silent);
  const late = Promise.withResolvers<null>();
  const timer = setTimeout(() => late.resolve(null), 3000);
  try {
    return await Promise.race([question(redis), late.promise]);
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}
