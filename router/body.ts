import { createChunkReader } from "./chunks.ts";

/** Lengths of bodies that are no number of bytes. */
export const NO_BODY = -1;
export const CHUNKED = -2;
export const UNTIL_CLOSE = -3;

/** Follows a body, whatever frames it, to know where it ends. */
export interface Body {
  /**
   * A new body. `framed`: if it is chunked, it goes on in its chunks, with its `trailers` or without,
   * else as the data alone.
   */
  begin(length: number, framed: boolean, trailers: boolean): void;
  /**
   * Reads from `at` and puts what goes on into `out`: views of `bytes`. Returns the index behind
   * what belongs to the body, BROKEN when its framing is.
   */
  read(bytes: Buffer, at: number, out: Buffer[]): number;
  whole(): boolean;
  /** Bytes of data in the chunks read so far. */
  inChunks(): number;
  untilClose(): boolean;
  /** Those that go on, as lines, when the body is whole. */
  trailers(): string;
}

export function createBody(): Body {
  const chunks = createChunkReader();
  let length = NO_BODY;
  /** Bytes still to come, where their number is known. */
  let left = 0;

  function read(bytes: Buffer, at: number, out: Buffer[]): number {
    if (length === CHUNKED) return chunks.read(bytes, at, out);
    const end = length === UNTIL_CLOSE ? bytes.length : Math.min(at + left, bytes.length);
    if (end > at) out.push(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    left -= end - at;
    return end;
  }

  return {
    begin(is, framed, trailers) {
      length = is;
      left = Math.max(is, 0);
      if (is === CHUNKED) chunks.reset(framed, trailers);
    },
    read,
    whole() {
      if (length === CHUNKED) return chunks.done();
      return length !== UNTIL_CLOSE && left === 0;
    },
    inChunks: chunks.data,
    untilClose: () => length === UNTIL_CLOSE,
    trailers: () => (length === CHUNKED ? chunks.trailers() : ""),
  };
}

export const LAST_CHUNK = "0\r\n\r\n";

/** Puts the parts into one chunk, and the last chunk and `trailers` behind it when the body is whole. */
export function encode(parts: Buffer[], whole: boolean, trailers: string): void {
  let size = 0;
  for (const part of parts) size += part.length;
  if (size > 0) {
    parts.unshift(Buffer.from(`${size.toString(16)}\r\n`, "latin1"));
    parts.push(Buffer.from("\r\n", "latin1"));
  }
  if (whole) parts.push(Buffer.from(`0\r\n${trailers}\r\n`, "latin1"));
}
