import fc from "fast-check";

const HOST = "Host: shop.test";
const LINES = [
  ...[HOST, HOST, HOST, "host:shop.test", "Host: shop.test:80", "Host: other.test", "Host:"],
  ...["X-Case: 1", "X-Case:\t2 ", "x-case: \xe9", "X_Case: 3", "X-Case : 4", " X-Case: folded"],
  ...["Content-Length: 4", "Content-Length: 0", "Content-Length: 04", "Content-Length: +4"],
  ...["Content-Length: 4, 4", "Content-Length: 0x4", "Content-Length:", "content-length: 40"],
  ...["Transfer-Encoding: chunked", "Transfer-Encoding: chunked", "transfer-encoding: CHUNKED"],
  ...["Transfer-Encoding: gzip, chunked", "Transfer-Encoding: chunked, identity"],
  ...["Transfer-Encoding:\x0bchunked", "Transfer-Encoding", "Transfer-Encoding : chunked"],
  ...["Connection: close", "Connection: keep-alive", "Connection: content-length, x-gone"],
  ...["Connection: transfer-encoding", "Expect: 100-continue", "Expect: x", "TE: trailers"],
  ...["Upgrade: h2c", "Connection: upgrade", "X: \x00", "X: a\rb", "X: a\nY: b", "", "X:"],
];
const BODIES = [
  ...["", "", "abcd", "4\r\nabcd\r\n0\r\n\r\n", "0\r\n\r\n", "4;x=y\r\nabcd\r\n0\r\nT: 1\r\n\r\n"],
  ...["0\r\nT: 1\r\nT:2 \r\nHost: x\r\n\r\n"],
  ...["4 \r\nabcd\r\n0\r\n\r\n", "4\nabcd\n0\n\n", "4\r\nabcde\r\n0\r\n\r\n", "\r\n", "\r\n\r\n"],
  ...["0\r\n", "1\r\na\r\n00\r\n\r\n", "fffffffffffffffff\r\n", "0\r\nContent-Length: 4\r\n\r\n"],
  ...["GET /in HTTP/1.1\r\nHost: shop.test\r\n\r\n", "0\r\n\r\nGET /in HTTP/1.1\r\n"],
];
const TARGETS = [
  "/",
  "/a?b=c",
  "//x",
  "*",
  "http://shop.test/abs",
  "http://other.test/",
  "/\xe9",
  "x",
];
const METHODS = ["GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "CONNECT", "get", "FOO"];
const VERSIONS = [
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/1.2",
  "HTTP/0.9",
  "HTTP/2.0",
];
const NASTY = ["\r", "\n", "\r\n", "\0", " ", "\t", ":", ",", ";", "0", "\x0b", "\xff", "A"];

const request = fc
  .record({
    line: fc.tuple(
      fc.constantFrom(...METHODS),
      fc.constantFrom(...TARGETS),
      fc.constantFrom(...VERSIONS),
    ),
    host: fc.constantFrom(`${HOST}\r\n`, `${HOST}\r\n`, ""),
    fields: fc.array(fc.constantFrom(...LINES), { maxLength: 4 }),
    body: fc.constantFrom(...BODIES),
  })
  .map(
    ({ line, host, fields, body }) =>
      `${line.join(" ")}\r\n${host}${fields.map((field) => `${field}\r\n`).join("")}\r\n${body}`,
  );
/** Requests as most clients send them, so that bytes are often changed in ones that would be let in. */
const usual = fc.constantFrom(
  `POST /u HTTP/1.1\r\n${HOST}\r\nX-Case: 5\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  `POST /u HTTP/1.1\r\n${HOST}\r\nX-Case: 6\r\nContent-Length: 3\r\n\r\nabc`,
  `GET /u HTTP/1.1\r\n${HOST}\r\nX-Case: 7\r\n\r\n`,
);
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  cut: fc.constantFrom(0, 0, 1, 2),
  put: fc.constantFrom(...NASTY, ""),
});
/** Up to three requests in a row, sound and unsound, some with bytes changed. */
export const hostileBytes = fc
  .record({
    requests: fc.array(fc.oneof(request, usual), { minLength: 1, maxLength: 3 }),
    changes: fc.array(change, { maxLength: 2 }),
  })
  .map(({ requests, changes }) => {
    let text = requests.join("");
    for (const { at, cut, put } of changes) {
      const index = Math.floor(at * text.length);
      text = text.slice(0, index) + put + text.slice(index + cut);
    }
    return Buffer.from(text, "latin1");
  });
