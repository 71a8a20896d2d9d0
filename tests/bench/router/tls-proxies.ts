import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Pair } from "../../support/certificates.ts";
import { nginxConfig, TLS_HOST, type Proxy } from "./proxies.ts";
import { freePort, type World } from "./world.ts";

/** Files of one certificate: apart, and both in one as HAProxy wants it. */
export interface CertificateFiles {
  cert: string;
  key: string;
  both: string;
}

export function writeCertificate(world: World, { cert, key }: Pair): CertificateFiles {
  const files = { cert: "cert.pem", key: "key.pem", both: "both.pem" };
  const at = (name: string) => join(world.folder, name);
  writeFileSync(at(files.cert), cert);
  writeFileSync(at(files.key), key);
  writeFileSync(at(files.both), cert + key);
  return { cert: at(files.cert), key: at(files.key), both: at(files.both) };
}

type Start = (world: World, backend: number, files: CertificateFiles) => Promise<Proxy>;

const startNginx: Start = async (world, backend, { cert, key }) => {
  const port = await freePort();
  const config = nginxConfig(
    world,
    "tls-proxy",
    `upstream app { server 127.0.0.1:${backend}; keepalive 1024; keepalive_requests 100000000; }
     server {
       listen 127.0.0.1:${port} ssl http2 backlog=4096;
       server_name ${TLS_HOST}; ssl_certificate ${cert}; ssl_certificate_key ${key};
       ssl_protocols TLSv1.2 TLSv1.3;
       location / {
         proxy_pass http://app; proxy_http_version 1.1;
         proxy_set_header Connection ""; proxy_set_header Host $host;
         proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Request-Id $request_id;
       }
     }`,
  );
  const pid = await world.start("nginx", ["-c", config], { listens: port });
  return { name: "nginx", port, pid, secure: true };
};

const startHaproxy: Start = async (world, backend, { both }) => {
  const port = await freePort();
  const config = join(world.folder, "haproxy-tls.cfg");
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
  bind 127.0.0.1:${port} ssl crt ${both} alpn h2,http/1.1
  default_backend b
backend b
  server app 127.0.0.1:${backend}
`,
  );
  const pid = await world.start("haproxy", ["-db", "-f", config], { listens: port });
  return { name: "haproxy", port, pid, secure: true };
};

const startCaddy: Start = async (world, backend, { cert, key }) => {
  const port = await freePort();
  const config = join(world.folder, "Caddyfile-tls");
  writeFileSync(
    config,
    `{
  admin off
  auto_https off
}
https://${TLS_HOST}:${port} {
  bind 127.0.0.1
  tls ${cert} ${key}
  reverse_proxy 127.0.0.1:${backend} {
    transport http {
      keepalive_idle_conns_per_host 1024
    }
  }
}
`,
  );
  const args = ["run", "--config", config, "--adapter", "caddyfile"];
  const pid = await world.start("caddy", args, { listens: port });
  return { name: "caddy", port, pid, secure: true };
};

export const TLS_STARTS = [startNginx, startHaproxy, startCaddy];
