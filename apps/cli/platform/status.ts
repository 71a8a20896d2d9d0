import { keys } from "../../keys.ts";
import { createEngineClient } from "./engine.ts";
import type { Platform } from "./environment.ts";
import { accepts, localHost, platformPorts } from "./ports.ts";
import { askRedis, healthy } from "./ready.ts";
import type { ServiceState } from "./supervisor.ts";
import { platformSupervisor } from "./up.ts";
import { duration } from "./progress.ts";

export interface Status {
  /** True when everything that should run does. */
  up: boolean;
  home: string;
  services: ServiceState[];
  engine: { answers: boolean; version: string | null; instances: number | null };
  redis: { answers: boolean; url: string };
  ports: { port: number; what: string; answers: boolean }[];
  api: { url: string; healthy: boolean };
  /** Number of apps; null while the store does not answer. */
  apps: number | null;
}

/** Looks at everything that makes up a running platform; changes nothing. */
export async function readStatus(platform: Platform): Promise<Status> {
  const { settings, env } = platform;
  const host = localHost(settings);
  const engine = createEngineClient(env["DOCKER_HOST"]);
  const url = `http://${host}:${settings.apiPort}`;
  const [services, version, instances, apps, ports, ok] = await Promise.all([
    platformSupervisor(platform).states(),
    engine.version(),
    engine.countRunning(`teal.platform=${settings.namespace}`).catch(() => null),
    askRedis(settings, async (redis) => redis.scard(keys.apps)),
    Promise.all(
      platformPorts(settings).map(async ({ port, what }) => ({
        port,
        what,
        answers: await accepts(port, host),
      })),
    ),
    healthy(`${url}/api/v1/health`),
  ]);
  return {
    up:
      services.length > 0 &&
      services.every((service) => service.state === "up") &&
      version !== null &&
      apps !== null &&
      ok &&
      ports.every((port) => port.answers),
    home: settings.home,
    services,
    engine: { answers: version !== null, version: version?.engine ?? null, instances },
    redis: { answers: apps !== null, url: storeName(platform) },
    ports,
    api: { url, healthy: ok },
    apps,
  };
}

/** Where the store is, without a password. */
function storeName({ settings }: Platform): string {
  if (settings.redisUrl === null) return `unix://${settings.paths.redisSocket}`;
  const url = new URL(settings.redisUrl);
  url.password = "";
  url.username = "";
  return url.href;
}

/** The status as people read it. */
export function statusLines(status: Status): string[] {
  const mark = (good: boolean): string => (good ? "✓" : "✗");
  const services = status.services.map((service) => {
    const crashes = service.crashes > 0 ? `, crashed ${service.crashes} times` : "";
    const pid = service.pid === null ? "" : `, process ${service.pid}`;
    const text =
      service.state === "stuck" ? "not running" : `${service.state} ${duration(service.seconds)}`;
    return `${mark(service.state === "up")} ${service.name}: ${text}${pid}${crashes}`;
  });
  const { engine, redis, api, ports, apps } = status;
  return [
    `Teal in ${status.home}: ${status.up ? "up" : "not all up"}`,
    ...(services.length > 0 ? services : ["✗ no processes: 'teal up' starts them"]),
    `${mark(engine.answers)} Docker engine: ${engine.answers ? `version ${engine.version}, ${engine.instances ?? "?"} instances of apps run` : "does not answer"}`,
    `${mark(redis.answers)} Redis at ${redis.url}: ${redis.answers ? "answers" : "does not answer"}`,
    `${mark(api.healthy)} API at ${api.url}: ${api.healthy ? "healthy" : "not healthy"}`,
    ...ports.map(
      (port) =>
        `${mark(port.answers)} port ${port.port} (${port.what}): ${port.answers ? "open" : "closed"}`,
    ),
    `  apps: ${apps ?? "unknown while Redis does not answer"}`,
  ];
}
