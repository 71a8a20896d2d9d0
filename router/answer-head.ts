import { CHUNKED, UNTIL_CLOSE } from "./body.ts";
import {
  CR,
  INCOMPLETE,
  isHopByHop,
  LF,
  listedNames,
  MAX_HEAD_BYTES,
  offsets,
  readFields,
  TEXT,
} from "./fields.ts";

/** An app's answer head that passed every rule. */
export interface AnswerHead {
  /** Bytes that the head took. */
  size: number;
  status: number;
  /** Status line and end-to-end fields as they go to the client, in their order and case. */
  lines: string;
  /** Bytes of the body, CHUNKED, or UNTIL_CLOSE. */
  length: number;
  /** The app keeps its connection. */
  keepAlive: boolean;
  hasDate: boolean;
  eventStream: boolean;
  /** Value of a Trailer field. */
  trailer: string;
  /** Value of an Upgrade field. */
  upgrade: string;
}

/** The bytes are no HTTP answer. */
export const UNSOUND = "unsound";

const VERSION = Buffer.from("HTTP/1.");
const LENGTH = /^[0-9]{1,15}$/;
const STATUS_AT = 9;

/**
 * Reads the head at the start of `bytes`: null when its end has not come yet. `toHead`: it answers
 * a HEAD request. Never throws.
 */
export function readAnswerHead(bytes: Buffer, toHead: boolean): AnswerHead | typeof UNSOUND | null {
  const lineEnd = endOfStatusLine(bytes);
  if (lineEnd < 0) return lineEnd === INCOMPLETE ? unfinished(bytes) : UNSOUND;
  const size = readFields(bytes, lineEnd + 2);
  if (size < 0) return size === INCOMPLETE ? unfinished(bytes) : UNSOUND;
  if (size > MAX_HEAD_BYTES) return UNSOUND;
  const status =
    (bytes[STATUS_AT] as number) * 100 +
    (bytes[STATUS_AT + 1] as number) * 10 +
    (bytes[STATUS_AT + 2] as number) -
    48 * 111;
  if (status < 100 || status > 599) return UNSOUND;
  return judge(bytes.toString("latin1", 0, size), status, bytes[7] === 48, toHead, lineEnd);
}

function unfinished(bytes: Buffer): typeof UNSOUND | null {
  return bytes.length > MAX_HEAD_BYTES ? UNSOUND : null;
}

function endOfStatusLine(bytes: Buffer): number {
  const end = bytes.length;
  for (let i = 0; i < Math.min(VERSION.length, end); i++) if (bytes[i] !== VERSION[i]) return -2;
  if (end < STATUS_AT + 4) return INCOMPLETE;
  if ((bytes[7] !== 48 && bytes[7] !== 49) || bytes[8] !== 32) return -2;
  for (let i = STATUS_AT; i < STATUS_AT + 3; i++) {
    if ((bytes[i] as number) < 48 || (bytes[i] as number) > 57) return -2;
  }
  let at = STATUS_AT + 3;
  if (bytes[at] !== 32 && bytes[at] !== CR) return -2;
  while (at < end && TEXT[bytes[at] as number] === 1) at++;
  if (at === end) return INCOMPLETE;
  if (bytes[at] !== CR) return -2;
  if (at + 1 === end) return INCOMPLETE;
  return bytes[at + 1] === LF ? at : -2;
}

function judge(
  text: string,
  status: number,
  old: boolean,
  toHead: boolean,
  lineEnd: number,
): AnswerHead | typeof UNSOUND {
  const { count, nameStart, nameEnd, valueStart, valueEnd } = offsets;
  let lines = `HTTP/1.1${text.slice(STATUS_AT - 1, lineEnd)}\r\n`;
  // Fields that stay are copied in runs.
  let runStart = lineEnd + 2;
  let length: string | undefined;
  let chunked = false;
  let connection = "";
  let hasDate = false;
  let eventStream = false;
  let upgrade = "";
  let trailer = "";
  for (let i = 0; i < count; i++) {
    const name = text.slice(nameStart[i], nameEnd[i]).toLowerCase();
    let keep = true;
    switch (name) {
      case "content-length":
        if (length !== undefined) return UNSOUND;
        length = text.slice(valueStart[i], valueEnd[i]);
        if (!LENGTH.test(length)) return UNSOUND;
        keep = status >= 200 && status !== 204;
        break;
      case "transfer-encoding":
        if (old || chunked) return UNSOUND;
        if (text.slice(valueStart[i], valueEnd[i]).toLowerCase() !== "chunked") return UNSOUND;
        chunked = true;
        keep = false;
        break;
      case "connection":
        connection += `,${text.slice(valueStart[i], valueEnd[i])}`;
        keep = false;
        break;
      case "date":
        hasDate = true;
        break;
      case "content-type":
        eventStream = /^text\/event-stream/i.test(text.slice(valueStart[i], valueEnd[i]));
        break;
      case "trailer":
        trailer += (trailer === "" ? "" : ", ") + text.slice(valueStart[i], valueEnd[i]);
        keep = false;
        break;
      case "upgrade":
        upgrade += text.slice(valueStart[i], valueEnd[i]);
        keep = false;
        break;
      default:
        keep = !isHopByHop(name);
    }
    if (keep) continue;
    lines += text.slice(runStart, nameStart[i]);
    runStart = nameStart[i + 1] as number;
  }
  lines += text.slice(runStart, nameStart[count]);
  if (chunked && length !== undefined) return UNSOUND;
  const said = connection.toLowerCase();
  if (said !== "" && said !== ",keep-alive" && said !== ",close")
    lines = withoutListed(lines, said);
  return {
    size: text.length,
    status,
    lines,
    length: bodyLength(status, toHead, chunked, length),
    keepAlive: old ? said.includes("keep-alive") : !said.includes("close"),
    hasDate,
    eventStream,
    trailer,
    upgrade,
  };
}

function bodyLength(
  status: number,
  toHead: boolean,
  chunked: boolean,
  length: string | undefined,
): number {
  if (toHead || status < 200 || status === 204 || status === 304) return 0;
  if (chunked) return CHUNKED;
  return length === undefined ? UNTIL_CLOSE : Number(length);
}

function withoutListed(lines: string, values: string): string {
  const listed = listedNames(values);
  if (listed === null) return lines;
  // The length frames the body, so no Connection field may take it away.
  listed.delete("content-length");
  let kept = "";
  for (const line of lines.split("\r\n")) {
    const name = line.slice(0, line.indexOf(":")).toLowerCase();
    if (line !== "" && !listed.has(name)) kept += `${line}\r\n`;
  }
  return kept;
}
