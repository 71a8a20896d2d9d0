import { readAnswerHead, UNSOUND, type AnswerHead } from "./answer-head.ts";

/** Reads an app's bytes up to the end of its answer's head. */
export interface AnswerReader {
  /** For a new answer. */
  begin(toHead: boolean): void;
  /** The head of the answer itself (or a 101), null while it is not there. */
  read(bytes: Buffer): AnswerHead | typeof UNSOUND | null;
  /** Bytes that begin with the head returned last; they hold as long as those given to `read`. */
  readonly bytes: Buffer;
  /** Informational answers in the bytes read last, 100 left out, ready for the client. */
  readonly informational: string;
  /** True while no byte has come. */
  unheard(): boolean;
}

const MAX_INFORMATIONAL = 100;
const NONE: Buffer = Buffer.alloc(0);

export function createAnswerReader(): AnswerReader {
  let toHead = false;
  let count = 0;
  /** The beginning of a head. */
  let stash: Buffer | null = null;
  const reader = { begin, read, bytes: NONE, informational: "", unheard };

  function begin(isToHead: boolean): void {
    toHead = isToHead;
    count = 0;
    stash = null;
  }

  function read(bytes: Buffer): AnswerHead | typeof UNSOUND | null {
    let left = stash === null ? bytes : Buffer.concat([stash, bytes]);
    stash = null;
    reader.informational = "";
    while (left.length > 0) {
      const answer = readAnswerHead(left, toHead);
      if (answer === null) {
        stash = Buffer.from(left);
        return null;
      }
      if (answer === UNSOUND || answer.status >= 200 || answer.status === 101) {
        reader.bytes = left;
        return answer;
      }
      if (++count > MAX_INFORMATIONAL) return UNSOUND;
      if (answer.status !== 100) reader.informational += `${answer.lines}\r\n`;
      left = left.subarray(answer.size);
    }
    return null;
  }

  function unheard(): boolean {
    return stash === null && count === 0;
  }

  return reader;
}
