/**
 * Header fields of a head that is still bytes, read strictly (RFC 9112, section 5): a token, a
 * colon right behind it, a value without control characters, CRLF. No folding, no bare CR or LF.
 */

/** The head's end has not come yet. */
export const INCOMPLETE = -1;
export const MALFORMED = -2;
export const TOO_MANY = -3;

export const MAX_HEAD_BYTES = 32 * 1024;
const MAX_FIELDS = 512;

export const CR = 13;
export const LF = 10;
const SP = 32;
const TAB = 9;
const COLON = 58;

/** 1 for the characters of a token. */
export const TOKEN = new Uint8Array(256);
/** 1 for the characters of a field's value or a reason phrase. */
export const TEXT = new Uint8Array(256);
for (const char of "!#$%&'*+-.^_`|~") TOKEN[char.charCodeAt(0)] = 1;
for (let i = 48; i < 58; i++) TOKEN[i] = 1;
for (let i = 65; i < 91; i++) TOKEN[i] = TOKEN[i + 32] = 1;
for (let i = 32; i < 256; i++) TEXT[i] = 1;
TEXT[TAB] = 1;
TEXT[127] = 0;

/** Of the fields read last, as offsets into the bytes. */
export interface FieldOffsets {
  count: number;
  readonly nameStart: Uint32Array;
  /** Where the colon is. */
  readonly nameEnd: Uint32Array;
  readonly valueStart: Uint32Array;
  readonly valueEnd: Uint32Array;
}

/** One for all heads: a head is read and used up within one turn of the event loop. */
export const offsets: FieldOffsets = {
  count: 0,
  nameStart: new Uint32Array(MAX_FIELDS + 1),
  nameEnd: new Uint32Array(MAX_FIELDS),
  valueStart: new Uint32Array(MAX_FIELDS),
  valueEnd: new Uint32Array(MAX_FIELDS),
};

/**
 * Fills `offsets` with the fields that begin at `at`. Returns the index behind the empty line that
 * ends them, or one of the negative numbers above.
 */
export function readFields(bytes: Uint8Array, at: number): number {
  const end = bytes.length;
  const { nameStart, nameEnd, valueStart, valueEnd } = offsets;
  for (let count = 0; ; count++) {
    const start = at;
    while (at < end && TOKEN[bytes[at] as number] === 1) at++;
    if (at === end) return INCOMPLETE;
    if (at === start) {
      if (bytes[at] !== CR) return MALFORMED;
      if (at + 1 === end) return INCOMPLETE;
      if (bytes[at + 1] !== LF) return MALFORMED;
      offsets.count = count;
      nameStart[count] = at;
      return at + 2;
    }
    if (bytes[at] !== COLON) return MALFORMED;
    if (count === MAX_FIELDS) return TOO_MANY;
    nameStart[count] = start;
    nameEnd[count] = at++;
    while (at < end && (bytes[at] === SP || bytes[at] === TAB)) at++;
    let last = at;
    valueStart[count] = at;
    while (at < end && TEXT[bytes[at] as number] === 1) at++;
    if (at === end) return INCOMPLETE;
    if (bytes[at] !== CR) return MALFORMED;
    last = at;
    while (last > (valueStart[count] as number) && isBlank(bytes[last - 1] as number)) last--;
    valueEnd[count] = last;
    if (at + 1 === end) return INCOMPLETE;
    if (bytes[at + 1] !== LF) return MALFORMED;
    at += 2;
  }
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === TAB;
}

const HOP_BY_HOP = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** True for what belongs to one connection only (RFC 9110, section 7.6.1). `name` in lower case. */
export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name);
}

// Some app servers read `_` as `-`, so a client could slip its own in that way.
const OURS = /^(?:forwarded|x[-_](?:forwarded(?:[-_].*)?|real[-_]ip|request[-_]id))$/;

/** False for hop-by-hop fields, and for what only the router may say. `name` in lower case. */
export function isForwardable(name: string): boolean {
  const first = name.charCodeAt(0);
  if ((first === 0x78 || first === 0x66) && OURS.test(name)) return false;
  return !HOP_BY_HOP.has(name) && name !== "__proto__";
}

/** The names in a Connection field's value that stand for fields; null when there are none. */
export function listedNames(value: string): Set<string> | null {
  let listed: Set<string> | null = null;
  for (const token of value.toLowerCase().split(",")) {
    const name = token.trim();
    if (name !== "" && name !== "keep-alive" && name !== "close" && name !== "upgrade") {
      (listed ??= new Set()).add(name);
    }
  }
  return listed;
}

/** True when a list such as Connection's holds `token`, which is in lower case. */
export function hasToken(value: string, token: string): boolean {
  const lower = value.toLowerCase();
  return lower === token || lower.split(",").some((each) => each.trim() === token);
}
