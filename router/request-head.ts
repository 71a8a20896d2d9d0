import { METHODS } from "node:http";
import { isAuthority, normalHost, originForm } from "./authority.ts";
import { CHUNKED, NO_BODY } from "./body.ts";
import type { Claims } from "./claims.ts";
import {
  CR,
  hasToken,
  INCOMPLETE,
  isForwardable,
  LF,
  listedNames,
  MALFORMED,
  MAX_HEAD_BYTES,
  offsets,
  readFields,
  TOKEN,
  TOO_MANY,
} from "./fields.ts";

/** A request head that passed every rule, ready to be sent on. */
export interface RequestHead {
  /** Bytes that the head took. */
  size: number;
  method: string;
  /** Normalised: lower case, no port, no trailing dot. */
  host: string;
  /** The Host field as it came. */
  authority: string;
  /** Origin form, or `*`. */
  path: string;
  /** End-to-end fields as lines, names in lower case; without Host and framing. */
  fields: string;
  /** Bytes of the body, CHUNKED, or NO_BODY when no length was told. */
  length: number;
  hasBody: boolean;
  /** HTTP/1.0. */
  old: boolean;
  /** The client wants to keep its connection. */
  keepAlive: boolean;
  /** Idempotent and without a body: may be sent twice. */
  repeatable: boolean;
  expectsContinue: boolean;
  /** A WebSocket handshake. */
  upgrade: boolean;
  /** The client asks for a protocol that is not spoken here, and may have begun to speak it. */
  switches: boolean;
  /** The client takes informational answers. */
  informs: boolean;
  /** The client takes trailers behind the answer. */
  trailers: boolean;
  /** Of a trusted proxy that passes the request on. */
  claims: Claims | null;
}

/** Answered instead of forwarded; the connection is closed after it. */
export interface Refusal {
  status: 400 | 405 | 408 | 417 | 421 | 431;
  says: string;
}

const LENGTH = /^[0-9]{1,15}$/;
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]);
const KNOWN = new Set(METHODS);
const VERSION = Buffer.from(" HTTP/1.");
const SPACE = 32;

const refuse = (says: string, status: Refusal["status"] = 400): Refusal => ({ status, says });
/** A TLS connection is for the host that it was opened for (RFC 9110, section 15.5.20). */
export const MISDIRECTED = refuse("The host that the connection was opened for was expected.", 421);
const NO_REQUEST = refuse("An HTTP/1.1 request was expected.");
const TOO_LARGE = refuse("At most 32 KB of header were expected.", 431);
const TOO_MANY_FIELDS = refuse("At most 512 header fields were expected.", 431);

/**
 * Reads the request head at the start of `bytes`: null when its end has not come yet. All that two
 * parsers could understand in two ways is refused. `secure`: it came by TLS. Never throws.
 */
export function readRequestHead(bytes: Buffer, secure = false): RequestHead | Refusal | null {
  const spaceAt = endOfMethod(bytes);
  if (spaceAt < 0) return spaceAt === INCOMPLETE ? unfinished(bytes) : NO_REQUEST;
  const targetEnd = endOfTarget(bytes, spaceAt + 1);
  if (targetEnd < 0) return targetEnd === INCOMPLETE ? unfinished(bytes) : NO_REQUEST;
  const fieldsAt = targetEnd + VERSION.length + 3;
  for (let i = 0; i < VERSION.length; i++) {
    if (targetEnd + i >= bytes.length) return unfinished(bytes);
    if (bytes[targetEnd + i] !== VERSION[i]) return NO_REQUEST;
  }
  if (bytes.length < fieldsAt) return unfinished(bytes);
  const minor = (bytes[fieldsAt - 3] as number) - 48;
  if ((minor !== 0 && minor !== 1) || bytes[fieldsAt - 2] !== CR || bytes[fieldsAt - 1] !== LF) {
    return NO_REQUEST;
  }
  const size = readFields(bytes, fieldsAt);
  if (size === INCOMPLETE) return unfinished(bytes);
  if (size === MALFORMED) return refuse("A header line is not one of HTTP/1.1.");
  if (size === TOO_MANY) return TOO_MANY_FIELDS;
  if (size > MAX_HEAD_BYTES) return TOO_LARGE;
  const text = bytes.toString("latin1", 0, size);
  const method = text.slice(0, spaceAt);
  if (!KNOWN.has(method)) return refuse("The method is not known here.");
  if (method === "CONNECT") return refuse("This is no forward proxy.", 405);
  return judge(text, method, text.slice(spaceAt + 1, targetEnd), minor === 0, secure);
}

function unfinished(bytes: Buffer): Refusal | null {
  return bytes.length > MAX_HEAD_BYTES ? TOO_LARGE : null;
}

function endOfMethod(bytes: Buffer): number {
  const end = bytes.length;
  let at = 0;
  while (at < end && TOKEN[bytes[at] as number] === 1) at++;
  if (at === end) return INCOMPLETE;
  return at > 0 && bytes[at] === SPACE ? at : MALFORMED;
}

function endOfTarget(bytes: Buffer, from: number): number {
  const end = bytes.length;
  let at = from;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === SPACE) return at > from ? at : MALFORMED;
    if (byte < SPACE || byte > 126) return MALFORMED;
    at++;
  }
  return INCOMPLETE;
}

/** The fields of `offsets`, each looked at once. */
function judge(
  text: string,
  method: string,
  target: string,
  old: boolean,
  secure: boolean,
): RequestHead | Refusal {
  const { count, nameStart, nameEnd, valueStart, valueEnd } = offsets;
  let authority: string | undefined;
  let length: string | undefined;
  let upgrade: string | undefined;
  let te = "";
  let trailer = "";
  let chunked = false;
  let listed = "";
  let expectsContinue = false;
  let fields = "";
  for (let i = 0; i < count; i++) {
    const name = text.slice(nameStart[i], nameEnd[i]).toLowerCase();
    switch (name) {
      case "host":
        if (authority !== undefined) return refuse("Exactly one Host field was expected.");
        authority = text.slice(valueStart[i], valueEnd[i]);
        break;
      case "transfer-encoding":
        if (old) return refuse("HTTP/1.0 has no Transfer-Encoding.");
        if (chunked || text.slice(valueStart[i], valueEnd[i]).toLowerCase() !== "chunked") {
          return refuse('"Transfer-Encoding: chunked" was expected, once.');
        }
        chunked = true;
        break;
      case "content-length":
        if (length !== undefined) return refuse("Exactly one Content-Length was expected.");
        length = text.slice(valueStart[i], valueEnd[i]);
        if (!LENGTH.test(length)) return refuse("The Content-Length is not a number of bytes.");
        break;
      case "connection":
        listed += `,${text.slice(valueStart[i], valueEnd[i])}`;
        break;
      case "expect":
        if (text.slice(valueStart[i], valueEnd[i]).toLowerCase() !== "100-continue") {
          return refuse('Only "Expect: 100-continue" is known here.', 417);
        }
        expectsContinue = true;
        break;
      case "te":
        te += `,${text.slice(valueStart[i], valueEnd[i])}`;
        break;
      case "trailer":
        trailer += name + text.slice(nameEnd[i], nameStart[i + 1]);
        break;
      case "upgrade":
        upgrade =
          (upgrade === undefined ? "" : `${upgrade},`) + text.slice(valueStart[i], valueEnd[i]);
        break;
      default:
        if (isForwardable(name)) fields += name + text.slice(nameEnd[i], nameStart[i + 1]);
    }
  }
  if (authority === undefined) return refuse("A Host field was expected.");
  if (!isAuthority(authority)) return refuse("The Host field is not a host name.");
  if (chunked && length !== undefined) return refuse("Content-Length beside Transfer-Encoding.");
  const path = target.startsWith("/") ? target : originForm(method, target, authority, secure);
  if (path === null) return refuse("The request target is wrong or names another host.");
  if (chunked) fields += trailer;
  if (listed !== "") fields = withoutListed(fields, listed);
  const bytes = chunked ? CHUNKED : length === undefined ? NO_BODY : Number(length);
  const hasBody = chunked || bytes > 0;
  const asksForUpgrade = upgrade !== undefined && hasToken(listed, "upgrade");
  const isWebSocket =
    asksForUpgrade &&
    upgrade?.toLowerCase() === "websocket" &&
    !old &&
    !hasBody &&
    method === "GET";
  return {
    size: (nameStart[count] as number) + 2,
    method,
    host: normalHost(authority),
    authority,
    path,
    fields,
    length: bytes,
    hasBody,
    old,
    keepAlive: old ? hasToken(listed, "keep-alive") : listed === "" || !hasToken(listed, "close"),
    repeatable: !hasBody && IDEMPOTENT.has(method),
    expectsContinue: expectsContinue && hasBody && !old,
    upgrade: isWebSocket,
    switches: asksForUpgrade && !isWebSocket,
    informs: !old,
    trailers: te !== "" && !old && hasToken(te, "trailers"),
    claims: null,
  };
}

function withoutListed(fields: string, values: string): string {
  const listed = listedNames(values);
  if (listed === null) return fields;
  let kept = "";
  for (const line of fields.split("\r\n")) {
    if (line !== "" && !listed.has(line.slice(0, line.indexOf(":")))) kept += `${line}\r\n`;
  }
  return kept;
}
