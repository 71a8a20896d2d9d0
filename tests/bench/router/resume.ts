import { once } from "node:events";
import { connect } from "node:tls";
import { cpuMicros, type Figures } from "./measure.ts";
import { TLS_HOST, type Proxy } from "./proxies.ts";

const CLIENTS = 8;

/**
 * Loads a proxy for `seconds` with a connection per request from this process, after half a second of
 * the same to warm it up. `resumed`: by a session that the proxy gave before.
 */
export async function measureHandshakes(
  proxy: Proxy,
  load: { name: string; resumed: boolean },
  seconds: number,
): Promise<Figures> {
  const session = load.resumed ? (await visit(proxy, undefined)).session : undefined;
  await visits(proxy, session, 0.5);
  const before = cpuMicros(proxy);
  const { times, failed } = await visits(proxy, session, seconds);
  const spent = cpuMicros(proxy) - before;
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    Math.round((sorted[Math.floor(sorted.length * share)] ?? Number.NaN) * 100) / 100;
  return {
    ...{ proxy: proxy.name, load: load.name, failed },
    requestsPerSecond: Math.round(times.length / seconds),
    cpuMicros: Math.round((spent / Math.max(times.length, 1)) * 10) / 10,
    ...{ p50Ms: at(0.5), p99Ms: at(0.99) },
  };
}

async function visits(proxy: Proxy, session: Buffer | undefined, seconds: number) {
  const until = performance.now() + seconds * 1000;
  const times: number[] = [];
  let failed = 0;
  const client = async () => {
    while (performance.now() < until) {
      const began = performance.now();
      const { answered, resumed } = await visit(proxy, session);
      times.push(performance.now() - began);
      if (!answered || resumed !== (session !== undefined)) failed++;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return { times, failed };
}

async function visit({ port }: Proxy, session: Buffer | undefined) {
  const socket = connect({
    ...{ port, host: "127.0.0.1", servername: TLS_HOST, session },
    rejectUnauthorized: false,
  });
  let fresh: Buffer | undefined;
  let answered = false;
  let resumed = false;
  socket.on("secureConnect", () => (resumed = socket.isSessionReused()));
  socket.on("session", (ticket: Buffer) => (fresh = ticket));
  socket.on("data", (chunk: Buffer) => (answered ||= chunk.includes(" 200 ")));
  socket.on("error", () => undefined);
  socket.write(`GET / HTTP/1.1\r\nHost: ${TLS_HOST}\r\nConnection: close\r\n\r\n`);
  await once(socket, "close");
  return { session: fresh, answered, resumed };
}
