import type { IncomingMessage } from "node:http";
import { addField, dropListed, isForwardable, type Fields } from "./headers.ts";

/** A request head that passed every rule, ready to be sent on. */
export interface Head {
  /** Normalised: lower case, no port, no trailing dot. */
  host: string;
  /** The Host field as it came. */
  authority: string;
  /** Origin form, or `*`. */
  path: string;
  /** End-to-end fields, with the framing that the request to the app shall have. */
  fields: Fields;
  hasBody: boolean;
  /** Idempotent and without a body: may be sent twice. */
  repeatable: boolean;
  expectsContinue: boolean;
}

/** Answered instead of forwarded; the connection is closed after it. */
export interface Refusal {
  status: 400 | 417 | 431;
  says: string;
}

const MAX_FIELDS = 512;
const AUTHORITY = /^(?:[a-z0-9_][a-z0-9_.-]*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;
const TARGET = /^[\x21-\x7e\x80-\xff]+$/;
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);

const refuse = (says: string, status: Refusal["status"] = 400): Refusal => ({ status, says });

/**
 * Checks what Node's parser lets through and a proxy must not, and collects the fields to send on.
 * Never throws.
 */
export function readHead(req: IncomingMessage): Head | Refusal {
  const raw = req.rawHeaders;
  if (raw.length > MAX_FIELDS * 2) {
    return refuse(`At most ${MAX_FIELDS} header fields were expected.`, 431);
  }
  const old = req.httpVersionMajor === 1 && req.httpVersionMinor === 0;
  const fields: Fields = {};
  let authority: string | undefined;
  let coding: string | undefined;
  let length: string | undefined;
  let listed = "";
  let expectsContinue = false;
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    switch (name) {
      case "host":
        if (authority !== undefined) return refuse("Exactly one Host field was expected.");
        authority = value;
        break;
      case "transfer-encoding":
        if (old) return refuse("HTTP/1.0 has no Transfer-Encoding.");
        if (coding !== undefined || value.toLowerCase() !== "chunked") {
          return refuse('"Transfer-Encoding: chunked" was expected, once.');
        }
        coding = "chunked";
        break;
      case "content-length":
        if (length !== undefined) return refuse("Exactly one Content-Length was expected.");
        length = value;
        break;
      case "connection":
        listed += `,${value}`;
        break;
      case "expect":
        if (value.toLowerCase() !== "100-continue") {
          return refuse('Only "Expect: 100-continue" is known here.', 417);
        }
        expectsContinue = true;
        break;
      default:
        if (isForwardable(name)) addField(fields, name, value);
    }
  }
  if (authority === undefined) return refuse("A Host field was expected.");
  if (!AUTHORITY.test(authority)) return refuse("The Host field is not a host name.");
  if (coding && length !== undefined) return refuse("Content-Length beside Transfer-Encoding.");
  const path = originForm(req, authority);
  if (path === null) return refuse("The request target is wrong or names another host.");
  if (listed !== "") dropListed(fields, listed);
  fields["host"] = authority;
  if (coding) fields["transfer-encoding"] = "chunked";
  else if (length !== undefined) fields["content-length"] = length;
  const hasBody = coding !== undefined || (length !== undefined && Number(length) > 0);
  return {
    host: normalHost(authority),
    authority,
    path,
    fields,
    hasBody,
    repeatable: !hasBody && IDEMPOTENT.has(req.method ?? ""),
    expectsContinue: expectsContinue && hasBody,
  };
}

/** Lower case, without port and trailing dot. */
function normalHost(authority: string): string {
  let host = authority.toLowerCase();
  const colon = host.lastIndexOf(":");
  if (colon > host.lastIndexOf("]")) host = host.slice(0, colon);
  return host.endsWith(".") ? host.slice(0, -1) : host;
}

/** True for the one kind of upgrade that is taken: a WebSocket handshake without a body. */
export function isWebSocket(req: IncomingMessage): boolean {
  const { upgrade, "content-length": length, "transfer-encoding": coding } = req.headers;
  return (
    req.method === "GET" &&
    req.httpVersion === "1.1" &&
    upgrade?.toLowerCase() === "websocket" &&
    coding === undefined &&
    (length === undefined || length === "0")
  );
}

function originForm(req: IncomingMessage, authority: string): string | null {
  const url = req.url ?? "";
  if (!TARGET.test(url)) return null;
  if (url.startsWith("/")) return url;
  if (url === "*") return req.method === "OPTIONS" ? url : null;
  const absolute = /^http:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (!absolute || portAndHost(absolute[1] as string) !== portAndHost(authority)) return null;
  const rest = absolute[2] as string;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function portAndHost(authority: string): string {
  return `${normalHost(authority)}:${portOf(authority)}`;
}

/** The port that the client meant: the authority's own, else 80. */
export function portOf(authority: string): string {
  return /:([0-9]{1,5})$/.exec(authority)?.[1] ?? "80";
}
