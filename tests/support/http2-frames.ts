export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;
export const END_STREAM = 1;
export const END_HEADERS = 4;

/** A frame of HTTP/2 (RFC 9113, section 4.1). */
export function frame(type: number, flags: number, stream: number, body: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

export const uint32 = (n: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
};

const SHOP = Buffer.concat([
  Buffer.from([0x87, 0x84, 0x01, 9]),
  Buffer.from("shop.test", "latin1"),
]);
/** `:method GET, :scheme https, :path /, :authority shop.test`, without a table (RFC 7541). */
export const GET = Buffer.concat([Buffer.from([0x82]), SHOP]);
/** The same by POST. */
export const POST = Buffer.concat([Buffer.from([0x83]), SHOP]);
/** What a client's connection begins with. */
export const PREFACE = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1"),
  frame(SETTINGS, 0, 0, Buffer.alloc(0)),
]);
