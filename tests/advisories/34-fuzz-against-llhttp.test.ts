import { createServer, type Server } from "node:http";
import { Duplex } from "node:stream";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import fc from "fast-check";
import { eventually, listen, rawClient, startRouter } from "../support/router-rig.ts";

/*
 * Differential: whatever bytes a client sends, the app behind the router sees requests that Node's
 * own parser (llhttp) would have seen in those bytes, in that order, and none besides.
 */

interface Seen {
  requests: string[];
  /** What the parser refused. */
  refused: string[];
}

/** A server that notes each whole request. */
function recorder(): { server: Server; seen: Seen } {
  const seen: Seen = { requests: [], refused: [] };
  const server = createServer({ keepAlive: true }, (req, res) => {
    let body = "";
    req.setEncoding("latin1");
    req.on("data", (chunk: string) => (body += chunk));
    req.on("end", () => {
      const url = req.url?.replace(/^http:\/\/[^/?#]*/i, "").replace(/^(?!\/|\*)/, "/");
      const { host, "x-case": x } = req.headers;
      const { t: trailer } = req.trailers;
      seen.requests.push(JSON.stringify([req.method, url, host, x, body, trailer]));
      res.end("ok");
    });
    req.on("error", () => undefined);
  });
  const handle = server.listeners("request")[0] as (req: unknown, res: unknown) => void;
  server.on("checkContinue", handle);
  server.on("checkExpectation", handle);
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // A request that was begun and given up is no second meaning of its bytes.
    if (!["HPE_INVALID_EOF_STATE", "ECONNRESET"].includes(error.code ?? "")) {
      seen.refused.push(`${error.code} ${error.message}`);
    }
    // Not at once: the requests before it would not come to their ends.
    setTimeout(() => socket.destroy(), 50);
  });
  return { server, seen };
}

/** What llhttp sees in the bytes when they come right from a client. */
async function direct(bytes: Buffer): Promise<string[]> {
  const { server, seen } = recorder();
  const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  socket.on("error", () => undefined);
  server.emit("connection", socket);
  socket.push(bytes);
  let before = -1;
  for (let quiet = 0; quiet < 3; quiet++) {
    await setImmediate();
    if (seen.requests.length !== before) quiet = 0;
    before = seen.requests.length;
  }
  socket.destroy();
  return seen.requests;
}

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
const bytes = fc
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

test("No bytes are one request for the router and another for the app", async (t) => {
  const rig = await startRouter(t);
  const { server, seen } = recorder();
  rig.route([await listen(server)]);
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const idle = () => rig.router.stats().apps["shop"]?.targets[0]?.open === 0;
  let forwarded = 0;

  async function sameForBoth(all: Buffer, split: number): Promise<void> {
    seen.requests.length = seen.refused.length = 0;
    const before = rig.router.counters("shop").served[1] ?? 0;
    const client = await rawClient(t, rig.port);
    client.socket.write(all.subarray(0, Math.floor(split * all.length)));
    await setImmediate();
    client.socket.write(all.subarray(Math.floor(split * all.length)));
    // A request may be unfinished for ever, so the waiting is bounded.
    const answered = () => client.closed() || (idle() && client.text() !== "");
    for (let i = 0; i < 20 && !answered(); i++) await sleep(5);
    const whole = client.closed();
    client.socket.destroy();
    await eventually(idle);
    const wanted = await direct(all);
    const got = seen.requests.splice(0);
    const served = (rig.router.counters("shop").served[1] ?? 0) - before;
    const says = `${JSON.stringify(all.toString("latin1"))} was ${got.join()} instead of ${wanted.join()}`;
    if (got.join() !== wanted.slice(0, got.length).join()) throw new Error(says);
    // The app may have had one whose answer this client did not wait for.
    const unanswered = got.length - served;
    if (unanswered !== 0 && (unanswered !== 1 || whole)) {
      throw new Error(`${says}; counted ${served}`);
    }
    if (seen.refused.length > 0) throw new Error(`${says}; refused ${seen.refused.join()}`);
    forwarded += got.length;
  }

  const property = fc.asyncProperty(bytes, fc.double({ min: 0, max: 1, noNaN: true }), sameForBoth);
  await fc.assert(property, { numRuns: 400, includeErrorInReport: true });
  t.true(forwarded > 50, `${forwarded} requests went through`);
});
