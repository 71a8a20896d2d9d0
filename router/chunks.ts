import { CR, LF, TEXT, TOKEN } from "./fields.ts";
import { isTrailer } from "./trailers.ts";

/**
 * Follows a chunked body (RFC 9112, section 7.1), strictly. Chunk extensions are checked and left
 * out, trailers too where nobody asked for them, so what goes on is framing that nobody can read in
 * another way.
 */
export interface ChunkReader {
  /**
   * Reads from `at` and puts what goes on into `out`: views of `bytes`. Returns the index behind
   * what belongs to the body, BROKEN when it is not chunked framing.
   */
  read(bytes: Buffer, at: number, out: Buffer[]): number;
  done(): boolean;
  /** Bytes of data so far, without their framing. */
  data(): number;
  /** Trailers that go on, as lines, when the body is done. */
  trailers(): string;
  /** For a new body. `framed`: sizes, line ends and `trailers` go on too, else the data alone. */
  reset(framed: boolean, trailers: boolean): void;
}

export const BROKEN = -1;

/** Of extensions and trailers, in bytes per body. */
const MAX_EXTRA = 16 * 1024;
const MAX_SIZE_DIGITS = 12;
const SEMICOLON = 59;
const COLON = 58;

const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 10; i++) HEX[48 + i] = i;
for (let i = 0; i < 6; i++) HEX[65 + i] = HEX[97 + i] = 10 + i;

type State =
  | "size"
  | "extension"
  | "size-lf"
  | "data"
  | "data-cr"
  | "data-lf"
  | "trailer"
  | "trailer-name"
  | "trailer-value"
  | "trailer-lf"
  | "end-lf"
  | "done";

export function createChunkReader(): ChunkReader {
  let state: State = "size";
  let framed = true;
  let digits = 0;
  let left = 0;
  let extra = 0;
  let data = 0;
  let keepTrailers = false;
  let line = "";
  let trailers = "";

  function read(bytes: Buffer, from: number, out: Buffer[]): number {
    const end = bytes.length;
    let at = from;
    // Start of what goes on, -1 while nothing does.
    let run = framed && isFraming(state) ? at : -1;
    while (at < end && state !== "done") {
      if (state === "data") {
        const take = Math.min(left, end - at);
        if (!framed) out.push(bytes.subarray(at, at + take));
        at += take;
        left -= take;
        data += take;
        if (left === 0) state = "data-cr";
        continue;
      }
      const byte = bytes[at] as number;
      const before = state;
      if (!step(byte)) return BROKEN;
      if (framed && isFraming(before) && !isFraming(state)) {
        const to = before === "size-lf" ? at + 1 : at;
        if (to > run) out.push(bytes.subarray(run, to));
        run = -1;
      } else if (framed && !isFraming(before) && isFraming(state)) {
        if (trailers !== "") out.push(Buffer.from(trailers, "latin1"));
        run = at;
      }
      at++;
    }
    if (run !== -1 && at > run) out.push(bytes.subarray(run, at));
    return at;
  }

  function step(byte: number): boolean {
    switch (state) {
      case "size":
        return sizeStep(byte);
      case "extension":
        if (byte === CR) state = "size-lf";
        else return TEXT[byte] === 1 && ++extra <= MAX_EXTRA;
        return true;
      case "size-lf":
        state = left === 0 ? "trailer" : "data";
        digits = 0;
        return byte === LF;
      case "data-cr":
        state = "data-lf";
        return byte === CR;
      case "data-lf":
        state = "size";
        return byte === LF;
      case "end-lf":
        state = "done";
        return byte === LF;
      default:
        return trailerStep(byte);
    }
  }

  function sizeStep(byte: number): boolean {
    const digit = HEX[byte] as number;
    if (digit >= 0) {
      left = left * 16 + digit;
      return ++digits <= MAX_SIZE_DIGITS;
    }
    if (digits === 0) return false;
    if (byte === CR) state = "size-lf";
    else if (byte === SEMICOLON) state = "extension";
    else return false;
    return true;
  }

  function trailerStep(byte: number): boolean {
    if (++extra > MAX_EXTRA) return false;
    if (keepTrailers) line += String.fromCharCode(byte);
    switch (state) {
      case "trailer":
        state = byte === CR ? "end-lf" : "trailer-name";
        return byte === CR || TOKEN[byte] === 1;
      case "trailer-name":
        if (byte === COLON) state = "trailer-value";
        return byte === COLON || TOKEN[byte] === 1;
      case "trailer-value":
        if (byte === CR) state = "trailer-lf";
        return byte === CR || TEXT[byte] === 1;
      default:
        state = "trailer";
        if (keepTrailers && isTrailer(line)) trailers += line;
        line = "";
        return byte === LF;
    }
  }

  return {
    read,
    done: () => state === "done",
    data: () => data,
    trailers: () => trailers,
    reset(keepFraming, wanted) {
      state = "size";
      framed = keepFraming;
      keepTrailers = wanted;
      line = trailers = "";
      digits = left = extra = data = 0;
    },
  };
}

/** False where extensions and trailers are read, which do not go on. */
function isFraming(state: State): boolean {
  return state !== "extension" && !state.startsWith("trailer");
}
