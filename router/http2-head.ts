import type { OutgoingHttpHeaders } from "node:http2";
import { MISDIRECTED, readRequestHead, type Refusal, type RequestHead } from "./request-head.ts";

/** The head of a stream's request, and the bytes of the HTTP/1.1 head that it was made from. */
export interface StreamHead {
  head: RequestHead;
  bytes: Buffer;
}

const PSEUDO = new Set([":method", ":scheme", ":authority", ":path"]);
/** Fields of one connection, which HTTP/2 does not have (RFC 9113, section 8.2.2). */
const CONNECTION = /^(?:connection|keep-alive|proxy-connection|transfer-encoding|upgrade)$/;
const UNSAFE = /[\r\n\0]/;

const refuse = (says: string, status: Refusal["status"] = 400): Refusal => ({ status, says });

/**
 * Reads a request's fields, as names and values one after the other, by the rules of HTTP/1.1: they
 * become a head of it, and what that would not let through is refused. Never throws.
 * @param ended the request has no body @param servername the host that the connection is for
 */
export function readStreamHead(
  raw: readonly string[],
  ended: boolean,
  servername: string,
): StreamHead | Refusal {
  const pseudo: Record<string, string> = {};
  let host: string | undefined;
  let cookies = "";
  let lines = "";
  let hasLength = false;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = raw.slice(i, i + 2) as [string, string];
    if (UNSAFE.test(name) || UNSAFE.test(value)) return refuse("A field is not one of HTTP.");
    if (PSEUDO.has(name)) {
      pseudo[name] = value;
    } else if (name.startsWith(":") || CONNECTION.test(name)) {
      return refuse(`A field ${name.slice(0, 40)} is not one of HTTP/2.`);
    } else if (name === "host") {
      host = value;
    } else if (name === "cookie") {
      cookies += cookies === "" ? value : `; ${value}`;
    } else {
      hasLength ||= name === "content-length";
      lines += `${name}: ${value}\r\n`;
    }
  }
  const { ":method": method = "", ":path": path = "", ":scheme": scheme } = pseudo;
  if (method === "CONNECT") return refuse("This is no forward proxy.", 405);
  if (scheme !== "https") return refuse("The scheme https was expected.");
  if (!path.startsWith("/") && path !== "*") return refuse("A path was expected.");
  const authority = pseudo[":authority"] ?? host ?? "";
  if (host !== undefined && host !== authority) return refuse("Two hosts are named.");
  if (cookies !== "") lines += `cookie: ${cookies}\r\n`;
  if (!ended && !hasLength) lines += "transfer-encoding: chunked\r\n";
  const text = `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${lines}\r\n`;
  return judge(Buffer.from(text, "latin1"), servername);
}

function judge(bytes: Buffer, servername: string): StreamHead | Refusal {
  const head = readRequestHead(bytes, true);
  if (head === null || ("size" in head && head.size !== bytes.length)) {
    return refuse("The request is not one of HTTP.");
  }
  if ("says" in head) return head;
  if (head.host !== servername) return MISDIRECTED;
  // To an exchange a stream is a client of HTTP/1.0 that takes informational answers and trailers: one
  // answer, its body unframed, ended by its end.
  return { head: { ...head, old: true, keepAlive: false, upgrade: false }, bytes };
}

/** Fields of a trailer section or an informational answer, from their lines. */
export function streamFields(lines: string[]): OutgoingHttpHeaders {
  // So that no name is one of the object's own.
  const fields: Record<string, string[]> = Object.create(null);
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0)
      (fields[line.slice(0, colon).toLowerCase()] ??= []).push(line.slice(colon + 1).trim());
  }
  return fields;
}

/** The end of an answer's head in the text that begins with it. */
export const HEAD_END = "\r\n\r\n";

/** An answer's head as HTTP/2 has it, names and values one after the other, from its lines. */
export function streamAnswer(lines: string[]): string[] {
  const [statusLine = ""] = lines;
  const fields = [":status", statusLine.slice(9, 12)];
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (!CONNECTION.test(name)) fields.push(name, line.slice(colon + 1).trim());
  }
  return fields;
}
