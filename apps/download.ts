import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import { isTealError, TealError } from "./errors.ts";
import type { Outward } from "./outward.ts";

interface Options {
  outward: Pick<Outward, "connect">;
  /** Whether http, without TLS, will do. */
  allowPrivate: boolean;
  signal: AbortSignal;
}

const MAX_REDIRECTS = 4;
/** For the answer to begin, and between two pieces of it. */
const IDLE_MS = 30_000;

/**
 * Opens what lies at a URL. Every address, also of redirects, is checked at the connection; nothing
 * is sent but the request.
 * @throws fetch-failed, private-address; the signal's reason
 */
export async function download(url: string, options: Options): Promise<IncomingMessage> {
  const failed = (detail: string) =>
    new TealError("fetch-failed", { what: "The archive", url: withoutQuery(url), detail });
  let next = archiveUrl(url, options.allowPrivate);
  for (let turn = 0; turn <= MAX_REDIRECTS; turn++) {
    const answer = await ask(next, options).catch((error: unknown) => {
      options.signal.throwIfAborted();
      throw isTealError(error) ? error : failed((error as Error).message);
    });
    const { statusCode = 0, headers } = answer;
    if (statusCode === 200) return answer;
    answer.destroy();
    if (![301, 302, 303, 307, 308].includes(statusCode) || !headers.location)
      throw failed(`it answered with status ${statusCode}`);
    next = archiveUrl(new URL(headers.location, next).href, options.allowPrivate);
  }
  throw failed(`more than ${MAX_REDIRECTS} redirects came`);
}

/** @throws bad-request unless it begins with https:// and holds no password */
function archiveUrl(text: string, allowPrivate: boolean): URL {
  const url = text.length <= 2000 ? URL.parse(text) : null;
  const scheme = url?.protocol === "https:" || (allowPrivate && url?.protocol === "http:");
  if (url && scheme && !url.username && !url.password && !/\s/.test(text)) return url;
  throw new TealError("bad-request", {
    detail: "the archive's address was expected to begin with https://, without a password",
  });
}

/** A query often holds a signature. */
export function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/s, "").slice(0, 300);
}

async function ask(url: URL, { outward, signal }: Options): Promise<IncomingMessage> {
  const secure = url.protocol === "https:";
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const plain = await outward.connect(host, Number(url.port) || (secure ? 443 : 80));
  // A connection without a listener would end the process when it breaks.
  plain.on("error", () => {});
  const socket = secure
    ? connectTls({ socket: plain, host, ...(isIP(host) ? {} : { servername: host }) })
    : plain;
  socket.setTimeout(IDLE_MS, () => socket.destroy(new Error("nothing came for 30 s")));
  const sent = (secure ? httpsRequest : httpRequest)(url, {
    createConnection: () => socket,
    headers: { "User-Agent": "teal", Accept: "*/*" },
    signal,
  });
  sent.once("close", () => socket.destroy());
  sent.end();
  const [answer] = (await once(sent, "response")) as [IncomingMessage];
  return answer;
}
