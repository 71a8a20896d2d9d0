import { readFile } from "node:fs/promises";

export interface Listener {
  port: number;
  /** Only reachable from inside the container. */
  localOnly: boolean;
}

const LISTEN = "0A";
const LOOPBACK = /^(0100007F|0{24}01000000|0{16}FFFF00000100007F)$/;

/**
 * TCP ports that processes in the network namespace of `pid` listen on, from /proc/PID/net/tcp
 * and tcp6 (proc(5)); empty where they cannot be read. Docker's own resolver (127.0.0.11) is left out.
 */
export async function listeningPorts(pid: number): Promise<Listener[]> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/${pid}/net/${name}`, "utf8").catch(() => "")),
  );
  return tables.flatMap(parseTable);
}

/** @param text the file's text: a header, then `sl local_address rem_address st …` with hex addresses */
export function parseTable(text: string): Listener[] {
  const found: Listener[] = [];
  for (const line of text.split("\n").slice(1)) {
    const [, local = "", , state] = line.trim().split(/\s+/);
    const [address = "", port = ""] = local.split(":");
    if (state !== LISTEN || address === "0B00007F") continue;
    found.push({ port: parseInt(port, 16), localOnly: LOOPBACK.test(address) });
  }
  return found;
}

/** One sentence on why nothing answers at `port`. */
export function explainSilence(port: number, listeners: Listener[]): string {
  const here = listeners.filter((listener) => listener.port === port);
  if (here.some((listener) => !listener.localOnly)) return "";
  if (here.length > 0) {
    return `it listens on 127.0.0.1:${port} only, where nobody outside the container reaches it: listen on 0.0.0.0:${port}`;
  }
  const others = [...new Set(listeners.map((listener) => listener.port))];
  if (others.length === 0) {
    return `nothing listens on port ${port} ($PORT), nor on any other`;
  }
  return `nothing listens on port ${port} ($PORT): it listens on ${others.join(", ")}`;
}
