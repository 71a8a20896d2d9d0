/** What a TLS client says before anything is encrypted (RFC 8446, section 4.1.2). */
export interface Hello {
  /** The host that it wants, in lower case; "" when it names none, or something that is no host name. */
  servername: string;
  /** The protocols that it would speak, in its order of preference. */
  protocols: string[];
}

/** The bytes are no beginning of a TLS connection. */
export const NO_HELLO = "no hello";

/** Clients send some 500 bytes, with post-quantum keys some 2,000. */
const MAX_HELLO = 16_384;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const PROTOCOLS = 16;
const NAME = /^(?!.*\.\.)[a-z0-9_][a-z0-9_.-]{0,252}$/;

/** Reads a hello: null when its end has not come yet. Never throws. */
export function readHello(bytes: Buffer): Hello | typeof NO_HELLO | null {
  const message = handshake(bytes);
  if (!Buffer.isBuffer(message)) return message;
  const at = createCursor(message);
  at.skip(2 + 32);
  at.skip(at.number(1));
  at.skip(at.number(2));
  at.skip(at.number(1));
  const hello: Hello = { servername: "", protocols: [] };
  if (at.left() > 0) readExtensions(at.part(at.number(2)), hello);
  return at.sound() ? hello : NO_HELLO;
}

/** The body of the first handshake message, put together from its records. */
function handshake(bytes: Buffer): Buffer | typeof NO_HELLO | null {
  const parts: Buffer[] = [];
  let size = 0;
  for (let at = 0; ;) {
    if (at < bytes.length && bytes[at] !== HANDSHAKE) return NO_HELLO;
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return NO_HELLO;
    if (bytes.length < at + 5) return null;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > MAX_HELLO) return NO_HELLO;
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    size += part.length;
    const message = parts.length === 1 ? part : Buffer.concat(parts);
    if (size > 0 && message[0] !== CLIENT_HELLO) return NO_HELLO;
    if (size >= 4) {
      const wanted = message.readUIntBE(1, 3);
      if (wanted > MAX_HELLO) return NO_HELLO;
      if (size >= 4 + wanted) return message.subarray(4, 4 + wanted);
    }
    if (part.length < length) return null;
    if (size > MAX_HELLO) return NO_HELLO;
    at += 5 + length;
  }
}

function readExtensions(at: Cursor, hello: Hello): void {
  while (at.left() > 0 && at.sound()) {
    const type = at.number(2);
    const body = at.part(at.number(2));
    if (type === SERVER_NAME && body.left() > 0) hello.servername = readName(body);
    else if (type === PROTOCOLS) hello.protocols = readProtocols(body.part(body.number(2)));
    if (!body.sound()) at.skip(Infinity);
  }
}

/** The first host name of the list; no client sends more. */
function readName(list: Cursor): string {
  const names = list.part(list.number(2));
  const type = names.number(1);
  const name = names.text(names.number(2)).toLowerCase();
  return type === 0 && NAME.test(name) ? name : "";
}

function readProtocols(list: Cursor): string[] {
  const found: string[] = [];
  while (list.left() > 0 && list.sound()) found.push(list.text(list.number(1)));
  return found;
}

interface Cursor {
  number(bytes: number): number;
  text(bytes: number): string;
  part(bytes: number): Cursor;
  skip(bytes: number): void;
  left(): number;
  /** False once more was asked for than there is, here or in a part. */
  sound(): boolean;
}

function createCursor(bytes: Buffer): Cursor {
  const parts: Cursor[] = [];
  let at = 0;
  let broken = false;
  const take = (size: number): Buffer => {
    if (at + size > bytes.length) broken = true;
    const taken = bytes.subarray(at, at + size);
    at = Math.min(at + size, bytes.length);
    return taken;
  };
  return {
    number(size) {
      const taken = take(size);
      return taken.length === size ? taken.readUIntBE(0, size) : 0;
    },
    text: (size) => take(size).toString("latin1"),
    part(size) {
      const part = createCursor(take(size));
      parts.push(part);
      return part;
    },
    skip: (size) => void take(size),
    left: () => bytes.length - at,
    sound: () => !broken && parts.every((part) => part.sound()),
  };
}
