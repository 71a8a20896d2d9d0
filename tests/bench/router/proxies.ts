import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { readProcfile } from "../../../apps/cli/platform/services.ts";
import { keys } from "../../../apps/keys.ts";
import type { Route, RoutePolicy } from "../../../router/contract.ts";
import { createCertificates } from "../../../apps/certificates.ts";
import { loadSecrets } from "../../../apps/secrets.ts";
import { createRedisStore } from "../../../apps/store-redis.ts";
import type { Pair } from "../../support/certificates.ts";
import { freePort, type World } from "./world.ts";

/** A proxy that listens, in front of the backend. */
export interface Proxy {
  name: string;
  pid: number;
  /** Of its other processes, which are not children of `pid`. */
  more?: number[];
  port: number;
  /** Speaks TLS on its port. */
  secure?: boolean;
}

/** The load generators resolve the name that they ask a certificate for. */
export const TLS_HOST = "localhost";

const ROOT = new URL("../../../", import.meta.url).pathname;

/** 121 bytes for a small answer, 64 KiB at /large, bodies taken at /upload; one process. */
export async function startBackend(world: World): Promise<number> {
  const port = await freePort();
  const large = join(world.folder, "large");
  writeFileSync(large, "x".repeat(65_536));
  const config = nginxConfig(
    world,
    "backend",
    `server {
       listen 127.0.0.1:${port} backlog=4096;
       client_max_body_size 8m;
       location = /large { root ${world.folder}; open_file_cache max=4; }
       # Reads the whole body, which "return" alone would not.
       location = /upload {
         client_body_buffer_size 2m; proxy_pass_request_body off;
         proxy_set_header Content-Length ""; proxy_pass http://127.0.0.1:${port}/;
       }
       location / { return 200 "${"x".repeat(121)}"; }
     }`,
  );
  await world.start("nginx", ["-c", config], { listens: port });
  return port;
}

/** WebSockets whose messages come back; one process. */
export async function startEcho(world: World): Promise<number> {
  const port = await freePort();
  const script = join(ROOT, "tests/bench/router/echo-backend.ts");
  await world.start(process.execPath, [script, String(port)], { listens: port });
  return port;
}

export function nginxConfig(world: World, name: string, http: string): string {
  const file = join(world.folder, `${name}.conf`);
  writeFileSync(
    file,
    `user root; daemon off; worker_processes 1; pid ${world.folder}/${name}.pid; error_log stderr crit;
     events { worker_connections 8192; }
     http {
       access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
       client_body_temp_path ${world.folder}/${name}-body; proxy_temp_path ${world.folder}/${name}-proxy;
       fastcgi_temp_path ${world.folder}/${name}-f; uwsgi_temp_path ${world.folder}/${name}-u; scgi_temp_path ${world.folder}/${name}-s;
       ${http}
     }`,
  );
  return file;
}

export async function startNginx(world: World, backend: number): Promise<Proxy> {
  const port = await freePort();
  const config = nginxConfig(
    world,
    "proxy",
    `upstream app { server 127.0.0.1:${backend}; keepalive 1024; keepalive_requests 100000000; }
     server {
       listen 127.0.0.1:${port} backlog=4096;
       client_max_body_size 8m;
       location / {
         proxy_pass http://app; proxy_http_version 1.1; proxy_request_buffering off;
         proxy_set_header Connection ""; proxy_set_header Host $host;
         proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Request-Id $request_id;
       }
       location = /ws {
         proxy_pass http://app; proxy_http_version 1.1;
         proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
         proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
       }
     }`,
  );
  return {
    name: "nginx",
    port,
    pid: await world.start("nginx", ["-c", config], { listens: port }),
  };
}

export async function startHaproxy(world: World, backend: number): Promise<Proxy> {
  const port = await freePort();
  const config = join(world.folder, "haproxy.cfg");
  writeFileSync(
    config,
    `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server app 127.0.0.1:${backend}
`,
  );
  const pid = await world.start("haproxy", ["-db", "-f", config], { listens: port });
  return { name: "haproxy", port, pid };
}

export async function startCaddy(world: World, backend: number): Promise<Proxy> {
  const port = await freePort();
  const config = join(world.folder, "Caddyfile");
  writeFileSync(
    config,
    `{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${backend} {
    transport http {
      keepalive_idle_conns_per_host 1024
    }
  }
}
`,
  );
  const args = ["run", "--config", config, "--adapter", "caddyfile"];
  return { name: "caddy", port, pid: await world.start("caddy", args, { listens: port }) };
}

export async function startHttpProxy(world: World, backend: number): Promise<Proxy> {
  const port = await freePort();
  const script = join(ROOT, "tests/bench/router/bare-http-proxy.ts");
  const args = ["--no-deprecation", script, String(port), String(backend)];
  const pid = await world.start(process.execPath, args, { listens: port });
  return { name: "http-proxy", port, pid };
}

/**
 * The router's real processes, their routes in a Redis of their own. `hosts` counts the apps in the table,
 * `routers` the processes.
 */
export async function startTeal(
  world: World,
  backend: number,
  {
    hosts = 1,
    routers = 1,
    policy,
    name = "teal",
    certificate,
  }: {
    hosts?: number;
    routers?: number;
    policy?: RoutePolicy;
    name?: string;
    certificate?: Pair;
  } = {},
): Promise<Proxy> {
  const [port, tlsPort] = [await freePort(), await freePort()];
  const home = join(world.folder, `home-${port}`);
  const socket = join(world.folder, `redis-${port}.sock`);
  await world.start(
    "redis-server",
    ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no"],
    { listens: socket },
  );
  const redis = new Redis({ path: socket });
  const routes = Array.from({ length: hosts }, (_, i) =>
    routeTo(i === 0 ? "bench" : `a${i}`, backend, policy),
  );
  await redis.hset(
    keys.routes,
    Object.fromEntries(routes.map((route) => [route.app, JSON.stringify(route)])),
  );
  await redis.set(keys.routesSeq, 1);
  if (certificate) await keepCertificate(redis, home, certificate);
  redis.disconnect();
  const env = {
    TEAL_HOME: home,
    TEAL_REDIS_URL: `unix://${socket}`,
    TEAL_ROUTER_PORT: String(port),
    TEAL_ROUTER_TLS_PORT: String(tlsPort),
    TEAL_BIND: "127.0.0.1",
  };
  const procfile = readProcfile(readFileSync(join(ROOT, "Procfile"), "utf8"));
  const [, ...words] = (procfile.get("router") as string).split(" ");
  const args = words.map((word) => (word.endsWith(".ts") ? join(ROOT, word) : word));
  const pids: number[] = [];
  for (let index = 1; index <= routers; index++) {
    // They share the port; the socket for metrics is each one's own, and the last to be there.
    const listens = join(home, "run", `router-${index}.sock`);
    const its = { ...env, TEAL_PROCESS_INDEX: String(index) };
    pids.push(await world.start(process.execPath, args, { listens, env: its }));
  }
  const [pid, ...more] = pids as [number];
  const secure = certificate !== undefined;
  return { name, port: secure ? tlsPort : port, pid, more, secure };
}

async function keepCertificate(redis: Redis, home: string, { cert, key }: Pair): Promise<void> {
  await createRedisStore(redis).createApp("bench", "bench");
  const secrets = await loadSecrets(join(home, "secret-key"));
  const given = { app: "bench", chain: cert, key, source: "own", by: "bench" } as const;
  await createCertificates(redis, secrets).add(given, [TLS_HOST]);
}

function routeTo(app: string, port: number, policy: RoutePolicy | undefined): Route {
  const targets = [{ id: `${app}-1-web-1`, host: "127.0.0.1", port }];
  return {
    ...{ app, version: 1, colour: "blue", release: 1, deploy: `${app}-1` },
    ...{
      hosts: app === "bench" ? ["bench.test", TLS_HOST] : [`${app}.test`],
      targets,
      drainMs: 1000,
    },
    ...(policy && { policy }),
  };
}
