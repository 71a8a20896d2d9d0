import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuMicros, type Figures } from "./measure.ts";
import type { Proxy } from "./proxies.ts";

/** What the connections of one run have counted so far. */
interface Count {
  echoes: number;
  /** From a message to its echo, in ms. */
  times: number[];
  failed: number;
}

const PAYLOAD = 64;
/** Header and payload, as a server sends them. */
const ECHO_BYTES = 2 + PAYLOAD;
const WARM_MS = 1000;
const LINE_END = "\r\n";

/**
 * Loads a proxy for `seconds` with WebSockets that each send 64 bytes, wait for their echo and send the next.
 * A message and its echo are two messages that the proxy has passed on.
 */
export async function measureWebSockets(
  proxy: Proxy,
  load: { name: string; connections: number },
  seconds: number,
): Promise<Figures> {
  const count: Count = { echoes: 0, times: [], failed: 0 };
  const sockets = await Promise.all(
    Array.from({ length: load.connections }, () => openWebSocket(proxy.port)),
  );
  for (const socket of sockets) keepEchoing(socket, count);
  await sleep(WARM_MS);
  count.echoes = 0;
  count.times = [];
  const [before, since] = [cpuMicros(proxy), performance.now()];
  await sleep(seconds * 1000);
  const [messages, spent] = [count.echoes * 2, cpuMicros(proxy) - before];
  const lasted = (performance.now() - since) / 1000;
  const times = count.times.toSorted((a, b) => a - b);
  for (const socket of sockets) socket.destroy();
  return {
    proxy: proxy.name,
    load: load.name,
    requestsPerSecond: Math.round(messages / lasted),
    cpuMicros: Math.round((spent / Math.max(messages, 1)) * 10) / 10,
    p50Ms: percentile(times, 0.5),
    p99Ms: percentile(times, 0.99),
    failed: count.failed,
  };
}

/** @throws Error when the answer is not a 101 */
async function openWebSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const lines = [
    "GET /ws HTTP/1.1",
    "Host: bench.test",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
  ];
  socket.write(`${lines.join(LINE_END)}${LINE_END}${LINE_END}`);
  let answer = "";
  while (!answer.includes(LINE_END + LINE_END)) {
    const [piece] = (await once(socket, "data")) as [Buffer];
    answer += piece.toString("latin1");
  }
  if (!answer.startsWith("HTTP/1.1 101 ")) throw new Error(`Not a WebSocket on ${port}: ${answer}`);
  return socket;
}

function keepEchoing(socket: Socket, count: Count): void {
  const message = maskedFrame();
  let missing = ECHO_BYTES;
  let since = 0;
  const send = () => {
    missing = ECHO_BYTES;
    since = performance.now();
    socket.write(message);
  };
  socket.on("data", (bytes: Buffer) => {
    missing -= bytes.length;
    if (missing > 0) return;
    count.echoes++;
    count.times.push(performance.now() - since);
    if (missing === 0) send();
    else socket.destroy(new Error("More than an echo came."));
  });
  // Only a proxy that breaks off gets here: ours is destroyed when the time is over.
  socket.on("error", () => count.failed++);
  socket.on("end", () => count.failed++);
  send();
}

/** A binary frame as a client sends it (RFC 6455, section 5.2). */
function maskedFrame(): Buffer {
  const [mask, payload] = [randomBytes(4), randomBytes(PAYLOAD)];
  const masked = payload.map((byte, i) => byte ^ (mask[i % 4] as number));
  return Buffer.concat([Uint8Array.of(0x82, 0x80 | PAYLOAD), mask, masked]);
}

function percentile(sorted: number[], part: number): number {
  return Math.round((sorted[Math.floor(sorted.length * part)] ?? Number.NaN) * 100) / 100;
}
