import { once } from "node:events";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Outward } from "./outward.ts";

export interface Asking {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface Reply {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

interface Bounds {
  /** The whole exchange may take so long, in ms. */
  ms: number;
  /** Authorities besides those that Node knows, PEM. */
  ca?: string[];
}

/** No longer answer is read. */
const MAX_BODY = 4 * 1024 * 1024;

/**
 * One request and its answer. Redirects are not followed, and the address is checked where the
 * connection is made. @throws private-address, Error
 */
export function ask(
  outward: Pick<Outward, "connect">,
  asking: Asking,
  bounds: Bounds,
): Promise<Reply> {
  return exchange(outward, asking, bounds, async (res) => {
    const chunks: Buffer[] = [];
    let length = 0;
    for await (const chunk of res as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > MAX_BODY) throw new Error("the answer is too long");
      chunks.push(chunk);
    }
    const { statusCode = 0, headers } = res;
    return { status: statusCode, headers, body: Buffer.concat(chunks).toString() };
  });
}

/** The same; of the answer, what `read` takes is read. @throws private-address, Error */
export async function exchange<T>(
  outward: Pick<Outward, "connect">,
  asking: Asking,
  { ms, ca }: Bounds,
  read: (res: IncomingMessage) => Promise<T>,
): Promise<T> {
  const url = new URL(asking.url);
  const secure = url.protocol === "https:";
  const signal = AbortSignal.timeout(ms);
  const socket = await outward.connect(url.hostname, Number(url.port) || (secure ? 443 : 80));
  // A connection without a listener would end the process when it breaks.
  socket.on("error", () => {});
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  try {
    const { method, headers, body } = asking;
    const ready = secure ? await encrypt(socket, url.hostname, signal, ca) : socket;
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

async function encrypt(
  socket: Socket,
  host: string,
  signal: AbortSignal,
  ca: string[] | undefined,
): Promise<Socket> {
  const name = isIP(host) ? {} : { servername: host };
  const secured = connectTls({ socket, host, ...name, ...(ca && { ca }) });
  await once(secured, "secureConnect", { signal });
  secured.on("error", () => {});
  return secured;
}
