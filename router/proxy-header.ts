import { isIPv4, isIPv6, SocketAddress } from "node:net";

/** What a proxy said of a connection by the PROXY protocol. */
export interface ProxyHeader {
  /** Bytes that it took. */
  size: number;
  /** The client's address; null when the proxy speaks for itself, or knows none. */
  address: string | null;
}

/** The bytes are no PROXY header. */
export const NO_HEADER = "no header";

type Read = ProxyHeader | typeof NO_HEADER | null;

const SIGNATURE = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const TEXT_START = Buffer.from("PROXY ");
/** Of a header as text, its line end included. */
const MAX_TEXT = 107;
/** Of a binary header behind its first 16 bytes; nginx takes as many in all. */
const MAX_BINARY = 4096;
const PORT = /^(?:0|[1-9][0-9]{0,4})$/;
const LOCAL = 0x20;
const PROXY = 0x21;
/** Family and protocol of a binary header: bytes of its addresses, and of the client's in them. */
const KINDS: Record<number, { length: number; address: number }> = {
  0x00: { length: 0, address: 0 },
  0x11: { length: 12, address: 4 },
  0x21: { length: 36, address: 16 },
  0x31: { length: 216, address: 0 },
};

/** Reads a PROXY header, version 1 or 2, at the start of `bytes`; null when its end has not come. */
export function readProxyHeader(bytes: Buffer): Read {
  if (begins(bytes, SIGNATURE)) return readBinary(bytes);
  if (begins(bytes, TEXT_START)) return readText(bytes);
  return NO_HEADER;
}

/** True when all that has come of `start` is right. */
function begins(bytes: Buffer, start: Buffer): boolean {
  const size = Math.min(bytes.length, start.length);
  return bytes.compare(start, 0, size, 0, size) === 0;
}

function readText(bytes: Buffer): Read {
  const end = bytes.subarray(0, MAX_TEXT).indexOf("\r\n");
  if (end === -1) return bytes.length < MAX_TEXT ? null : NO_HEADER;
  const [, family, from = "", to = "", ...ports] = bytes.toString("latin1", 0, end).split(" ");
  const size = end + 2;
  if (family === "UNKNOWN") return { size, address: null };
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : () => false;
  const sound =
    [from, to].every((each) => isAddress(each) && !each.includes("%")) &&
    ports.length === 2 &&
    ports.every((port) => PORT.test(port) && Number(port) < 65_536);
  return sound ? { size, address: from } : NO_HEADER;
}

function readBinary(bytes: Buffer): Read {
  if (bytes.length < 16) return null;
  const command = bytes[12] as number;
  const length = bytes.readUInt16BE(14);
  if ((command !== LOCAL && command !== PROXY) || length > MAX_BINARY) return NO_HEADER;
  const kind = KINDS[bytes[13] as number];
  if (command === PROXY && (!kind || length < kind.length)) return NO_HEADER;
  const size = 16 + length;
  if (bytes.length < size) return null;
  // What a proxy says of itself is skipped unread.
  if (command === LOCAL || !kind) return { size, address: null };
  if (!areWhole(bytes.subarray(16 + kind.length, size))) return NO_HEADER;
  return { size, address: textOf(bytes.subarray(16, 16 + kind.address)) };
}

/** Whether the extras (type, length, value) end where the header does. */
function areWhole(extras: Buffer): boolean {
  let at = 0;
  while (at + 3 <= extras.length) at += 3 + extras.readUInt16BE(at + 1);
  return at === extras.length;
}

function textOf(address: Buffer): string | null {
  if (address.length === 0) return null;
  if (address.length === 4) return address.join(".");
  const groups = Array.from({ length: 8 }, (_, i) => address.readUInt16BE(2 * i).toString(16));
  return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}
