import test from "ava";
import fc from "fast-check";
import { BROKEN, createChunkReader } from "../../../router/chunks.ts";

/** Feeds `text` in pieces of `size` bytes; null when it is broken. */
function feed(
  text: string,
  size: number,
  framed: boolean,
  trailers = false,
): { out: string; rest: string } | null {
  const reader = createChunkReader();
  reader.reset(framed, trailers);
  const bytes = Buffer.from(text, "latin1");
  let out = "";
  let at = 0;
  while (at < bytes.length && !reader.done()) {
    const piece = bytes.subarray(at, at + size);
    const parts: Buffer[] = [];
    const used = reader.read(piece, 0, parts);
    if (used === BROKEN) return null;
    for (const part of parts) out += part.toString("latin1");
    at += used;
  }
  return reader.done() ? { out, rest: text.slice(at) } : { out, rest: "(unfinished)" };
}

test("However a chunked body is cut into pieces, the same goes on, without extensions and trailers", (t) => {
  const body =
    "5;a=b\r\nhel\r\n\r\n00A\r\n0123456789\r\n0;x\r\nX-Trailer: 1\r\nY:2\r\n\r\nGET / HT";
  const framed = "5\r\nhel\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n";
  for (let size = 1; size <= body.length; size++) {
    t.deepEqual(feed(body, size, true), { out: framed, rest: "GET / HT" }, String(size));
    t.deepEqual(feed(body, size, false), { out: "hel\r\n0123456789", rest: "GET / HT" });
  }
});

test("Trailers go on where they are wanted, but none that belongs to a head", (t) => {
  const forbidden =
    "Content-Length: 4\r\ntransfer-encoding: chunked\r\nHost: x\r\nCookie: a\r\nContent_Type: x\r\n" +
    "Authorization: x\r\nX-Forwarded-For: 6.6.6.6\r\nx_real_ip: 6.6.6.6\r\nIf-Match: x\r\nTrailer: x\r\n" +
    "Connection: close\r\nTE: x\r\nProxy-Authenticate: x\r\nSet-Cookie: a=b\r\n__proto__: x\r\n";
  const body = `3\r\nabc\r\n0;x\r\nX-Sum: 1\r\n${forbidden}grpc-status:\t0 \r\n\r\nnext`;
  const out = "3\r\nabc\r\n0\r\nX-Sum: 1\r\ngrpc-status:\t0 \r\n\r\n";
  for (let size = 1; size <= body.length; size++) {
    t.deepEqual(feed(body, size, true, true), { out, rest: "next" }, String(size));
    t.deepEqual(feed(body, size, false, true), { out: "abc", rest: "next" });
  }
});

for (const broken of [
  "x\r\n",
  "\r\n",
  ";a\r\n",
  "0x1\r\na",
  "-1\r\n",
  "+1\r\n",
  " 1\r\na",
  "1 \r\na",
  "1\na\n",
  "1\r\nab\r\n",
  "1\r\na\n",
  "1\r\na\rx",
  "1\rxa",
  "1;a\n\r\na",
  "1;\x00\r\na",
  "0\r\nbad trailer\r\n\r\n",
  "0\r\n: x\r\n\r\n",
  "0\r\nx: \x01\r\n\r\n",
  "0\r\nx: 1\n\r\n",
  "0\r\n\rx",
  `${"1".repeat(13)}\r\n`,
  `1;${"e".repeat(17_000)}\r\na`,
  `0\r\nx: ${"t".repeat(17_000)}\r\n\r\n`,
]) {
  test(`No chunked framing: ${JSON.stringify(broken.slice(0, 30))}`, (t) => {
    for (const size of [1, 7, broken.length]) {
      t.is(feed(broken, size, true), null);
      t.is(feed(broken, size, true, true), null);
    }
  });
}

test("Any body, in any chunks and pieces, comes out as it was", (t) => {
  const property = fc.property(
    fc.array(fc.string({ minLength: 1, maxLength: 300, unit: "binary-ascii" }), { maxLength: 8 }),
    fc.integer({ min: 1, max: 50 }),
    (chunks, size) => {
      const text = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
      const whole = `${text}0\r\n\r\n`;
      t.deepEqual(feed(`${whole}next`, size, true), { out: whole, rest: "next" });
      t.deepEqual(feed(`${whole}next`, size, false), { out: chunks.join(""), rest: "next" });
    },
  );
  fc.assert(property, { numRuns: 300 });
});
