import { STATUS_CODES } from "node:http";

/** Where an answer is written to: a socket, or what turns it into another protocol. */
export interface Outlet {
  readonly writableLength: number;
  write(data: string | Uint8Array, encoding?: "latin1"): unknown;
  cork(): void;
  uncork(): void;
  setKeepAlive(on: boolean, ms: number): unknown;
}

/** Above this many bytes not yet taken by the other side, a socket is given no more. */
export const HIGH_WATER = 65_536;
/** Up to this size, bytes are cheaper copied into one write than handed over one by one. */
const SMALL = 4096;

/** What an answer of the router's own depends on, besides its status and sentence. */
export interface AnswerTo {
  /** The request's method; a HEAD is answered without a body. */
  method: string;
  close: boolean;
  /** Lines that go into its head. */
  fields?: string | undefined;
  /** A page in place of the sentence: its bytes, as latin1. */
  html?: string | undefined;
}

/** An answer of the router's own: one sentence as plain text, or a page. */
export function answerText(status: number, says: string, to: AnswerTo): string {
  const { method, close, html, fields = status === 503 ? "Retry-After: 1\r\n" : "" } = to;
  const body = html ?? `${says}\n`;
  const type = html === undefined ? "plain" : "html";
  return (
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n` +
    `Content-Type: text/${type}; charset=utf-8\r\nContent-Length: ${body.length}\r\n` +
    `${fields}${dateLine()}${connectionLine(close)}\r\n` +
    (method === "HEAD" ? "" : body)
  );
}

export function connectionLine(close: boolean): string {
  return close ? "Connection: close\r\n" : "Connection: keep-alive\r\n";
}

let second = 0;
let date = "";

/** A Date field of now. */
export function dateLine(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    date = `Date: ${new Date(now * 1000).toUTCString()}\r\n`;
  }
  return date;
}

/** What `parts.length = 0` does, which V8 leaves to a slow path. */
export function empty(parts: Buffer[]): void {
  while (parts.length > 0) parts.pop();
}

/**
 * Writes a head (may be empty) and what belongs behind it as one. `borrowed`: the parts hold only
 * within this turn of the event loop, and are copied where they must last longer. True when the parts
 * themselves were handed over, and may not be changed before they are sent.
 */
export function writeAll(
  socket: Outlet,
  head: string,
  parts: Buffer[],
  borrowed: boolean,
): boolean {
  let size = 0;
  for (const part of parts) size += part.length;
  if (size <= SMALL) {
    let text = head;
    for (const part of parts) text += part.toString("latin1", 0, part.length);
    if (text !== "") socket.write(text, "latin1");
    return false;
  }
  socket.cork();
  if (head !== "") socket.write(head, "latin1");
  for (const part of parts) socket.write(borrowed ? Buffer.from(part) : part);
  socket.uncork();
  return !borrowed;
}
