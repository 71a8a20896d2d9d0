import { randomUUID } from "node:crypto";
import { empty, HIGH_WATER, writeAll } from "./answer.ts";
import { BROKEN } from "./chunks.ts";
import { note } from "./exchange-note.ts";
import { abandon, own } from "./exchange-own.ts";
import type { Exchange } from "./exchange-state.ts";
import { answerMs, expectWithin } from "./exchange-time.ts";
import { tooLarge } from "./policy.ts";

export function connected(x: Exchange): void {
  if (x.target?.down === true) x.options.health.reached(x.target);
  send(x);
}

/** The request, to the connection that was got for it. */
export function send(x: Exchange): void {
  const { head, client } = x;
  x.phase = "waiting";
  x.reader.begin(head.method === "HEAD");
  expectWithin(x, head.upgrade ? x.options.handshakeMs : answerMs(x));
  if (x.text === "") {
    x.id = head.claims?.requestId ?? randomUUID();
    x.text = client.headFor(head, x.id);
  }
  if (!head.hasBody) return void x.connection?.socket.write(x.text, "latin1");
  if (head.expectsContinue) x.socket.write("HTTP/1.1 100 Continue\r\n\r\n", "latin1");
  sendBody(x, x.text);
}

function sendBody(x: Exchange, first: string): void {
  const { client, parts, upload } = x;
  const input = client.input();
  empty(parts);
  const used = input === null ? 0 : upload.read(input, 0, parts);
  if (used === BROKEN) return badBody(x, 400, "The body is not framed as HTTP/1.1 asks for.");
  const most = x.app.policy?.maxBodyBytes ?? Infinity;
  if (upload.inChunks() > most) return badBody(x, 413, tooLarge(most).says);
  if (x.connection) writeAll(x.connection.socket, first, parts, false);
  expectWithin(x, upload.whole() ? answerMs(x) : x.options.stallMs);
  if (used > 0) client.take(used);
}

function badBody(x: Exchange, status: number, says: string): void {
  const begun = x.phase === "answering";
  abandon(x);
  if (!begun) return own(x, { status, says }, true);
  note(x, x.answered);
  x.client.cut();
}

/** Input from the client, or room towards the app. */
export function more(x: Exchange): void {
  const { connection, client, phase } = x;
  const input = client.input();
  if (connection === null || input === null) return;
  if (connection.socket.writableLength >= HIGH_WATER) return;
  if (phase === "spliced") {
    connection.socket.write(input);
    client.take(input.length);
  } else if (!x.upload.whole() && (phase === "waiting" || phase === "answering")) {
    sendBody(x, "");
  }
}
