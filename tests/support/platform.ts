import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Deploy } from "../../apps/types.ts";
import type { InstanceView } from "../../apps/views.ts";
import { removeDockerRemains } from "./docker-remains.ts";
import { createKeptProcesses } from "./kept-processes.ts";
import { compileCache } from "./run-cli.ts";

const ROOT = resolve(import.meta.dirname, "../..");

export interface PlatformOptions {
  routers?: number;
  workers?: number;
  env?: Record<string, string>;
  /** What a worker is given besides, by its name. */
  envOfWorker?: (name: string) => Record<string, string>;
  /** Where its home is made; the machine's folder for temporary files unless said. */
  under?: string;
}

/** As the API tells it. */
export interface EndedDeploy extends Deploy {
  steps: Record<string, Record<string, unknown> | undefined>;
}

export type Platform = Awaited<ReturnType<typeof startPlatform>>;

/**
 * A whole platform of its own, beside any other on this machine: own home, ports, Redis,
 * namespace and networks. `stop` removes all that it made.
 */
export async function startPlatform({
  routers = 1,
  workers = 1,
  env = {},
  envOfWorker = () => ({}),
  under = tmpdir(),
}: PlatformOptions = {}) {
  const home = mkdtempSync(join(under, "teal-home-"));
  const [apiPort = 0, routerPort = 0, sshPort = 0, tlsPort = 0] = await freePorts(4);
  const namespace = `tealtest-${process.pid}-${Math.random().toString(36).slice(2, 6)}`;
  const socket = join(home, "redis.sock");
  const faultFile = join(home, "fault");
  const childEnv = {
    PATH: process.env["PATH"] ?? "",
    ...compileCache(),
    HOME: home,
    ...pick(["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"]),
    TEAL_HOME: home,
    TEAL_BIND: "127.0.0.1",
    TEAL_NAMESPACE: namespace,
    TEAL_NETWORK_POOL: "10.214.0.0/16",
    TEAL_API_PORT: String(apiPort),
    TEAL_ROUTER_PORT: String(routerPort),
    TEAL_ROUTER_TLS_PORT: String(tlsPort),
    TEAL_SSH_PORT: String(sshPort),
    TEAL_REDIS_URL: `unix://${socket}`,
    TEAL_ROUTERS: String(routers),
    TEAL_LEASE: "4",
    TEAL_ROUTER_LEASE: "3",
    TEAL_DRAIN: "5",
    TEAL_DEPLOY_TIMEOUT: "20",
    TEAL_TEST_FAULT_FILE: faultFile,
    ...env,
  };
  // Not in its home, whose disk a test may fill.
  const logDir = mkdtempSync(join(tmpdir(), "teal-log-"));
  const logFile = join(logDir, "platform.log");
  const log = createWriteStream(logFile, { flags: "a" }).setMaxListeners(0);
  const kept = createKeptProcesses({ cwd: ROOT, env: childEnv, output: log });
  const { start } = kept;

  start("redis", "redis-server", [
    ...["--port", "0", "--unixsocket", socket, "--dir", home, "--save", ""],
    ...["--appendonly", "yes", "--appendfsync", "always"],
  ]);
  start("web", process.execPath, ["apps/main.ts"]);
  for (let n = 1; n <= workers; n++) {
    const name = `worker-${n}`;
    const own = { TEAL_PROCESS_INDEX: String(n), ...envOfWorker(name) };
    start(name, process.execPath, ["workers/main.ts"], own);
  }
  for (let n = 1; n <= routers; n++) {
    start(`router-${n}`, process.execPath, ["router/main.ts"], {
      TEAL_PROCESS_INDEX: String(n),
    });
  }

  const platform = {
    home,
    namespace,
    apiPort,
    routerPort,
    tlsPort,
    sshPort,
    faultFile,
    logFile,
    apiUrl: `http://127.0.0.1:${apiPort}`,
    adminToken: () => readFileSync(join(home, "admin-token"), "utf8").trim(),
    pid: kept.pid,
    restarts: kept.restarts,
    signal: kept.signal,
    platformLog: () => readFileSync(logFile, "utf8"),
    async api(method: string, path: string, body?: unknown) {
      const response = await fetch(`http://127.0.0.1:${apiPort}/api/v1${path}`, {
        method,
        headers: {
          authorization: `Bearer ${platform.adminToken()}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text ? JSON.parse(text) : null };
    },
    /** The deploy, once it has ended. @throws Error after `ms` */
    async ended(id: string, ms = 60_000): Promise<EndedDeploy> {
      let deploy: EndedDeploy | null = null;
      await until(ms, async () => {
        const { status, body } = await platform.api("GET", `/deploys/${id}`);
        if (status === 200 && !["queued", "running"].includes(body.state)) deploy = body;
        return deploy !== null;
      });
      return deploy as unknown as EndedDeploy;
    },
    /** The app's instances that are live. */
    async live(app: string): Promise<InstanceView[]> {
      const { instances } = (await platform.api("GET", `/apps/${app}/ps`)).body;
      return instances.filter((it: InstanceView) => it.serves === "live");
    },
    async stop(): Promise<void> {
      await kept.stop();
      log.end();
      await removeDockerRemains(namespace);
      rmSync(home, { recursive: true, force: true });
      rmSync(logDir, { recursive: true, force: true });
    },
  };
  try {
    await untilUp(platform);
  } catch (error) {
    const text = platform.platformLog().slice(-4000);
    await platform.stop();
    throw new Error(`the platform did not come up: ${String(error)}\n${text}`, { cause: error });
  }
  return platform;
}

/** Bounded: a minute. */
async function untilUp(platform: { apiUrl: string; routerPort: number }): Promise<void> {
  await until(60_000, async () => {
    const health = await fetch(`${platform.apiUrl}/api/v1/health`);
    const router = await fetch(`http://127.0.0.1:${platform.routerPort}/`);
    return health.status === 200 && router.status === 404;
  });
}

/** Polls until `look` is true; errors count as false. @throws Error after `ms` */
export async function until(ms: number, look: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + ms;
  let last: unknown = "never true";
  while (performance.now() < end) {
    try {
      if (await look()) return;
    } catch (error) {
      last = error;
    }
    await sleep(50);
  }
  throw new Error(`not within ${ms} ms: ${String(last)}`);
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function pick(names: string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
}
