import { once } from "node:events";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Outward } from "../apps/outward.ts";
import type { Message } from "./notify-format.ts";

/** A whole exchange may take so long. */
const EXCHANGE_MS = 10_000;

/** No longer answer is read. */
const MAX_BODY = 4 * 1024 * 1024;

export interface Reply {
  status: number;
  body: string;
}

/**
 * Sends a message and gives the answer's status; what the answer says is not read. Redirects are
 * not followed, and the address is checked where the connection is made.
 * @throws private-address, Error
 */
export function send(outward: Outward, message: Message, ms = EXCHANGE_MS): Promise<number> {
  return exchange(outward, message, ms, async ({ statusCode = 0 }) => statusCode);
}

/** The same, and what the answer says. @throws private-address, Error */
export function ask(outward: Outward, message: Asking, ms: number): Promise<Reply> {
  return exchange(outward, message, ms, async (res) => {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of res as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BODY) throw new Error("the answer is too long");
      chunks.push(chunk);
    }
    return { status: res.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
  });
}

type Asking = Omit<Message, "method"> & { method: Message["method"] | "GET" };

async function exchange<T>(
  outward: Outward,
  message: Asking,
  ms: number,
  read: (res: IncomingMessage) => Promise<T>,
): Promise<T> {
  const url = new URL(message.url);
  const secure = url.protocol === "https:";
  const signal = AbortSignal.timeout(ms);
  const socket = await outward.connect(url.hostname, Number(url.port) || (secure ? 443 : 80));
  // A connection without a listener would end the process when it breaks.
  socket.on("error", () => {});
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  try {
    const { method, headers, body } = message;
    const ready = secure ? await encrypt(socket, url.hostname, signal) : socket;
    const open = secure ? requestHttps : requestHttp;
    const req = open(url, { method, headers, createConnection: () => ready, signal });
    const answered = once(req, "response", { signal });
    req.on("error", () => {});
    req.end(body);
    const [res] = (await answered) as [IncomingMessage];
    return await read(res);
  } catch (error) {
    throw signal.aborted ? new Error(`no answer within ${ms / 1000} s`, { cause: error }) : error;
  } finally {
    socket.destroy();
  }
}

async function encrypt(socket: Socket, host: string, signal: AbortSignal): Promise<Socket> {
  const secured = connectTls({ socket, host, ...(isIP(host) ? {} : { servername: host }) });
  await once(secured, "secureConnect", { signal });
  secured.on("error", () => {});
  return secured;
}
