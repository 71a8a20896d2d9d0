import { readdir, readFile, readlink } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { Settings } from "../../config.ts";
import { PlatformError } from "./failure.ts";

export interface PortUse {
  setting: string;
  what: string;
  port: number;
}

/** The ports that the platform listens on. */
export function platformPorts(settings: Settings): PortUse[] {
  return [
    { setting: "TEAL_ROUTER_PORT", what: "apps", port: settings.routerPort },
    { setting: "TEAL_ROUTER_TLS_PORT", what: "apps, by https", port: settings.routerTlsPort },
    { setting: "TEAL_API_PORT", what: "dashboard, API, git over HTTP", port: settings.apiPort },
    { setting: "TEAL_SSH_PORT", what: "git over SSH", port: settings.sshPort },
  ];
}

/** The address under which this machine reaches the platform's servers. */
export function localHost(settings: Settings): string {
  return settings.bind === "0.0.0.0" || settings.bind === "::" ? "127.0.0.1" : settings.bind;
}

/** Those of the ports that nobody could listen on now, with a reason. */
export async function takenPorts(
  ports: readonly PortUse[],
  bind: string,
): Promise<(PortUse & { reason: string })[]> {
  const reasons = await Promise.all(ports.map(async ({ port }) => whyTaken(port, bind)));
  return ports.flatMap((port, i) => {
    const reason = reasons[i];
    return reason ? [{ ...port, reason }] : [];
  });
}

async function whyTaken(port: number, host: string): Promise<string | null> {
  const code = await new Promise<string | null>((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)));
  });
  if (code === null) return null;
  if (code !== "EADDRINUSE") return code;
  const owner = await listener(port);
  return owner ? `taken by ${owner}` : "taken by another process";
}

/** `NAME (process PID)` of who listens on a TCP port, as far as this user may see it. */
export async function listener(port: number): Promise<string | null> {
  const inodes = await listeningInodes(port);
  if (inodes.size === 0) return null;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const links = await readdir(`/proc/${pid}/fd`).catch(() => []);
    for (const fd of links) {
      const link = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "");
      if (!inodes.has(link)) continue;
      const name = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "?")).trim();
      return `${name} (process ${pid})`;
    }
  }
  return null;
}

async function listeningInodes(port: number): Promise<Set<string>> {
  const listening = "0A";
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const found = new Set<string>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const rows = (await readFile(file, "utf8").catch(() => "")).split("\n").slice(1);
    for (const row of rows) {
      const fields = row.trim().split(/\s+/);
      if (fields[1]?.endsWith(suffix) && fields[3] === listening)
        found.add(`socket:[${fields[9]}]`);
    }
  }
  return found;
}

/** @throws PlatformError naming each port that is taken and the setting that moves it */
export async function requireFreePorts(ports: readonly PortUse[], bind: string): Promise<void> {
  const taken = await takenPorts(ports, bind);
  if (taken.length === 0) return;
  const lines = taken.map(
    ({ port, what, reason, setting }) =>
      `Port ${port} (${what}) cannot be used: ${reason}. Stop that, or choose another port: ${setting}=${port + 1} ./teal up`,
  );
  throw new PlatformError(lines.join("\n"));
}

/** True when something accepts connections there. */
export async function accepts(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(2000, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
