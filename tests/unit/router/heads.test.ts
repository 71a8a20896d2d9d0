import test from "ava";
import { readAnswerHead, UNSOUND } from "../../../router/answer-head.ts";
import { CHUNKED, NO_BODY, UNTIL_CLOSE } from "../../../router/body.ts";
import { readRequestHead } from "../../../router/request-head.ts";

const request = (text: string) => readRequestHead(Buffer.from(text, "latin1"));
const answer = (text: string, toHead = false) =>
  readAnswerHead(Buffer.from(text, "latin1"), toHead);

test("A request head is read once its end is there, and not before", (t) => {
  const text =
    "PUT /a?b HTTP/1.1\r\nHost: Shop.Test.:81\r\nX-A:1\r\nx-a:\t2 \r\nConnection: x-b\r\nX-B: 3\r\nContent-Length: 007\r\n\r\n";
  for (let i = 0; i < text.length; i++) t.is(request(text.slice(0, i)), null, String(i));
  t.deepEqual(request(`${text}hello`), {
    ...{ size: text.length, method: "PUT", host: "shop.test", authority: "Shop.Test.:81" },
    ...{ path: "/a?b", fields: "x-a:1\r\nx-a:\t2 \r\n", length: 7, hasBody: true, old: false },
    ...{ keepAlive: true, repeatable: false, expectsContinue: false, upgrade: false },
    ...{ switches: false, informs: true, trailers: false, claims: null },
  });
});

test("How a request's framing and connection are understood", (t) => {
  const about = (line: string, fields: string) => request(`${line}\r\nHost: a\r\n${fields}\r\n`);
  t.like(about("GET / HTTP/1.1", ""), { length: NO_BODY, keepAlive: true, repeatable: true });
  t.like(about("GET / HTTP/1.0", ""), { old: true, keepAlive: false });
  t.like(about("GET / HTTP/1.0", "Connection: a, Keep-Alive\r\n"), { keepAlive: true });
  t.like(about("GET / HTTP/1.1", "Connection: a\r\nConnection: CLOSE\r\n"), { keepAlive: false });
  t.like(about("DELETE / HTTP/1.1", "transfer-encoding: Chunked\r\n"), { length: CHUNKED });
  t.like(about("DELETE / HTTP/1.1", "Content-Length: 0\r\n"), { length: 0, repeatable: true });
  t.like(about("POST / HTTP/1.1", ""), { hasBody: false, repeatable: false });
  const upgrade = "Connection: keep-alive, UPGRADE\r\nUpgrade: WebSocket\r\n";
  t.like(about("GET / HTTP/1.1", upgrade), { upgrade: true });
  t.like(about("GET / HTTP/1.1", "Upgrade: websocket\r\n"), { upgrade: false });
  t.like(about("GET / HTTP/1.0", upgrade), { upgrade: false });
});

test("Heads that never end are refused as soon as they are too large", (t) => {
  for (const endless of ["G".repeat(40_000), `GET /${"a".repeat(40_000)}`]) {
    t.like(request(endless), { status: 431 });
  }
  t.like(request(`GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(40_000)}`), { status: 431 });
  t.like(request(`GET / HTTP/1.1\r\n${"a: b\r\n".repeat(513)}`), { status: 431 });
});

test("What can be no head any more is refused before its end", (t) => {
  for (const bytes of [
    "\x16\x03\x01",
    "GET  / HTTP/1.1\r\n",
    "GET / HTTP/1.1\n",
    "GET / HTTP/2",
    "GET / http/1.1",
    "GET / HTTP/1.1\r\nHost : a",
    "GET / HTTP/1.1\r\n folded",
    "GET / HTTP/1.1\r\nHost: a\nX",
    "GET / HTTP/1.1\r\nX: a\x00",
    "GET / HTTP/1.1\r\n\rX",
    "G\xc9T / HTTP/1.1\r\n",
    "GET /\x7f HTTP/1.1\r\n",
  ]) {
    t.like(request(`${bytes}${" ".repeat(8)}`), { status: 400 }, JSON.stringify(bytes));
  }
});

test("An answer head is read once its end is there, and not before", (t) => {
  const text =
    "HTTP/1.0 404 Not \xe4 Found\r\nSERVER: a\r\nConnection: Keep-Alive, X-A\r\nX-A: 1\r\nDate: d\r\nContent-Length: 3\r\nUpgrade: h2c\r\nY:2\r\n\r\n";
  for (let i = 0; i < text.length; i++) t.is(answer(text.slice(0, i)), null, String(i));
  t.deepEqual(answer(`${text}abc`), {
    ...{ size: text.length, status: 404, length: 3, keepAlive: true, hasDate: true },
    lines: "HTTP/1.1 404 Not \xe4 Found\r\nSERVER: a\r\nDate: d\r\nContent-Length: 3\r\nY:2\r\n",
    ...{ eventStream: false, trailer: "", upgrade: "h2c" },
  });
});

test("How an answer's framing is understood", (t) => {
  const length = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
  t.like(answer("HTTP/1.1 200\r\n\r\n"), { length: UNTIL_CLOSE, lines: "HTTP/1.1 200\r\n" });
  t.like(answer(length), { length: 3, keepAlive: true });
  t.like(answer(length, true), { length: 0 });
  t.like(answer(length.replace("200", "304")), { length: 0 });
  t.like(answer(length.replace("200", "204")), { length: 0, lines: "HTTP/1.1 204 OK\r\n" });
  t.like(answer("HTTP/1.1 200 \r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n"), {
    ...{ length: CHUNKED, keepAlive: false, lines: "HTTP/1.1 200 \r\n" },
  });
  for (const fields of [
    "Content-Length: 3\r\nContent-Length: 3\r\n",
    "Content-Length: -3\r\n",
    "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "X-A: 1\r\n folded\r\n",
    "X-A: 1\rY: 2\r\n",
  ]) {
    t.is(answer(`HTTP/1.1 200 OK\r\n${fields}\r\n`), UNSOUND, fields);
  }
  t.is(answer("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), UNSOUND);
});
