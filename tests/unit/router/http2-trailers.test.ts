import { once } from "node:events";
import type { IncomingMessage, RequestListener } from "node:http";
import type { ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import test, { type ExecutionContext } from "ava";
import { answerOf, ask2, http2Client } from "../../support/http2-client.ts";
import { eventually, startHttpApp, startRawApp } from "../../support/router-rig.ts";
import { startTlsRouter } from "../../support/tls-rig.ts";

/** An HTTP/2 client of an app, through a router. */
async function world(t: ExecutionContext, handler: RequestListener) {
  const rig = await startTlsRouter(t);
  rig.route([await startHttpApp(t, handler)]);
  return { rig, session: await http2Client(t, rig) };
}

/** Trailers of an answer, null when there were none. */
function trailersOf(stream: ClientHttp2Stream): () => IncomingHttpHeaders | null {
  let found: IncomingHttpHeaders | null = null;
  stream.on(
    "trailers",
    (fields: IncomingHttpHeaders) => (found = Object.fromEntries(Object.entries(fields))),
  );
  return () => found;
}

const withTrailers: RequestListener = (req, res) => {
  res.writeHead(200, { trailer: "X-Sum", "x-te": req.headers.te ?? "none" });
  res.write("abc");
  res.addTrailers([
    ["X-Sum", "1"],
    ["x-sum", "2"],
    ["Set-Cookie", "a=b"],
    ["Content-Length", "9"],
    ["Connection", "close"],
  ]);
  res.end();
};

test("Trailers behind an answer reach a stream that takes them, without those that belong to a head", async (t) => {
  const { session } = await world(t, withTrailers);
  const stream = session.request({ ":path": "/", te: "trailers" });
  const trailers = trailersOf(stream);
  const answer = await answerOf(stream);
  t.like(answer, { status: 200, body: "abc" });
  t.like(answer.headers, { trailer: "X-Sum", "x-te": "trailers" });
  t.deepEqual(trailers(), { "x-sum": "1, 2" });
});

test("A stream that does not say so gets none, and the connection goes on", async (t) => {
  const { session } = await world(t, withTrailers);
  for (let i = 0; i < 2; i++) {
    const stream = session.request({ ":path": "/" });
    const trailers = trailersOf(stream);
    const answer = await answerOf(stream);
    t.like(answer, { status: 200, body: "abc" });
    t.like(answer.headers, { trailer: undefined, "x-te": "none" });
    t.is(trailers(), null);
  }
});

test("Whoever takes trailers gets every other answer just the same", async (t) => {
  const { rig, session } = await world(t, (req, res) => {
    if (req.url === "/length") res.setHeader("content-length", 2);
    if (req.url === "/until-close") res.setHeader("connection", "close").removeHeader("date");
    if (req.url === "/until-close") res.chunkedEncoding = res.useChunkedEncodingByDefault = false;
    if (req.url === "/none") res.statusCode = 204;
    if (req.url === "/not-modified") res.statusCode = 304;
    res.end(req.url === "/none" || req.url === "/not-modified" ? "" : "ok");
  });
  const te = { te: "trailers" };
  for (const [path, status, body] of [
    ["/length", 200, "ok"],
    ["/until-close", 200, "ok"],
    ["/none", 204, ""],
    ["/not-modified", 304, ""],
  ] as const) {
    t.like(await ask2(session, { ":path": path, ...te }), { status, body }, path);
  }
  t.like(await ask2(session, { ":method": "HEAD", ...te }), { status: 200, body: "" });
  rig.route([1], { policy: { maintenance: {} } });
  t.is((await ask2(session, te)).status, 503, "the router's own");
});

test("Trailers behind a request reach the app, without those that belong to a head", async (t) => {
  const seen: IncomingMessage[] = [];
  const { session } = await world(t, (req, res) => {
    seen.push(req);
    req.resume().on("end", () => res.end());
  });
  const upload = session.request(
    { ":method": "PUT", ":path": "/", trailer: "x-sum" },
    { waitForTrailers: true },
  );
  upload.on("wantTrailers", () =>
    upload.sendTrailers({ "x-sum": "5", authorization: "x", "x-forwarded-for": "6.6.6.6" }),
  );
  upload.end("hello");
  t.is((await answerOf(upload)).status, 200);
  t.deepEqual(
    { ...seen.find(({ rawTrailers }) => rawTrailers.length > 0)?.trailers },
    { "x-sum": "5" },
  );
});

test("Early hints pass at once, each by itself, before the answer", async (t) => {
  let goOn = (): void => undefined;
  const { session } = await world(t, (_req, res) => {
    res.writeEarlyHints({ link: ["</a.css>; rel=preload", "</b.js>; rel=preload"] });
    res.writeProcessing();
    goOn = () => res.end("ok");
  });
  const stream = session.request({ ":path": "/" });
  const hints: IncomingHttpHeaders[] = [];
  stream.on("headers", (fields: IncomingHttpHeaders) => hints.push({ ...fields }));
  await eventually(() => hints.length === 2);
  t.is(hints[0]?.[":status"], 103 as never);
  t.is(hints[0]?.["link"], "</a.css>; rel=preload, </b.js>; rel=preload");
  t.is(hints[1]?.[":status"], 102 as never);
  goOn();
  t.like(await answerOf(stream), { status: 200, body: "ok" });
});

test("Informational answers without a field or with an odd status pass; to a client that left they do no harm", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket, head) => {
    const early = "HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 199 Odd\r\nX-A: b\r\n\r\n";
    if (head.startsWith("GET /left")) setTimeout(() => socket.write(early), 100);
    else socket.end(`${early}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
  });
  rig.route([app.port]);
  const session = await http2Client(t, rig);
  const left = session.request({ ":path": "/left" });
  left.on("error", () => undefined);
  await eventually(() => app.received.length === 1);
  left.close(8);
  await once(left, "close");
  const stream = session.request({ ":path": "/" });
  const early: unknown[] = [];
  stream.on("headers", (fields: IncomingHttpHeaders) => early.push(fields[":status"]));
  t.like(await answerOf(stream), { status: 200, body: "ok" });
  t.deepEqual(early, [103, 199]);
});
