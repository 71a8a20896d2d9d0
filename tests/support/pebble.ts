import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { createIssuer } from "./certificates.ts";
import { deadPort, eventually } from "./router-rig.ts";

export interface Pebble {
  /** URL of its directory. */
  directory: string;
  /** A file with the authority of its own https. */
  caFile: string;
  /** PEM: the root of what it issues. */
  root(): Promise<string>;
  log(): string;
}

/**
 * Debian's ACME test server on loopback, with a DNS server that gives every name 127.0.0.1. It looks
 * for challenges at the given ports.
 */
export async function startPebble(
  t: ExecutionContext,
  ports: { http: number; tls: number; lifetimeS: number },
): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), "teal-pebble-"));
  const issuer = await createIssuer("Pebble's own");
  const own = await issuer.issue(["localhost"]);
  const [api, management, dns, dnsManagement] = await Promise.all([1, 2, 3, 4].map(deadPort));
  const files = {
    ca: join(folder, "ca.pem"),
    cert: join(folder, "cert.pem"),
    key: join(folder, "key.pem"),
  };
  const config = join(folder, "pebble.json");
  await writeFile(files.ca, issuer.cert);
  await writeFile(files.cert, own.cert);
  await writeFile(files.key, own.key);
  const pebble = {
    listenAddress: `127.0.0.1:${api}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: files.cert,
    privateKey: files.key,
    httpPort: ports.http,
    tlsPort: ports.tls,
    certificateValidityPeriod: ports.lifetimeS,
  };
  await writeFile(config, JSON.stringify({ pebble }));
  let log = "";
  const start = (name: string, args: string[]) => {
    const env = { PATH: process.env["PATH"], PEBBLE_VA_NOSLEEP: "1", PEBBLE_WFE_NONCEREJECT: "10" };
    const child = spawn(name, args, { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => (log += String(chunk)));
    }
    child.on("error", (error) => (log += error.message));
    t.teardown(() => child.kill("SIGKILL"));
  };
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const off = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", ""];
  const here = ["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""];
  start("pebble-challtestsrv", [
    ...[...off.slice(0, 6), ...here, "-dns01", `127.0.0.1:${dns}`],
    ...["-management", `127.0.0.1:${dnsManagement}`],
  ]);
  start("pebble", ["-config", config, "-dnsserver", `127.0.0.1:${dns}`, "-strict"]);
  await eventually(
    () => /Listening on/.test(log),
    () => log,
  );
  return {
    directory: `https://localhost:${api}/dir`,
    caFile: files.ca,
    log: () => log,
    async root() {
      const { default: library } = await import("acme-client");
      const { Agent } = await import("node:https");
      const url = `https://localhost:${management}/roots/0`;
      const answer = await library.axios.get(url, {
        httpsAgent: new Agent({ ca: issuer.cert }),
        responseType: "text",
      });
      return String(answer.data);
    },
  };
}
