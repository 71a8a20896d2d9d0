import { once } from "node:events";
import { createServer, get, request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { HEAD, listen, rawClient, startRawApp, startRouter } from "../../support/router-rig.ts";

/** An app that answers with trailers, and a router in front of it. */
async function world(t: ExecutionContext, type = "text/plain") {
  const rig = await startRouter(t);
  const seen: { te: unknown; trailers: NodeJS.Dict<string> }[] = [];
  const app = createServer((req, res) => {
    req.resume();
    req.on("end", () => {
      seen.push({ te: req.headers.te, trailers: req.trailers });
      res.writeHead(200, { "content-type": type, trailer: "X-Sum, Set-Cookie" });
      res.write("abc");
      res.addTrailers({ "X-Sum": "900150983cd24fb0", "Set-Cookie": "a=b", "Content-Length": "9" });
      res.end();
    });
  });
  rig.route([await listen(app)]);
  t.teardown(() => {
    app.closeAllConnections();
    app.close();
  });
  return { rig, seen };
}

for (const type of ["text/plain", "text/event-stream"]) {
  test(`Trailers behind an answer reach a client that takes them: ${type}`, async (t) => {
    const { rig, seen } = await world(t, type);
    const headers = { host: "shop.test", te: "trailers", connection: "TE" };
    const [res] = (await once(
      get({ host: "127.0.0.1", port: rig.port, headers, agent: false }),
      "response",
    )) as [IncomingMessage];
    t.is(await text(res), "abc");
    t.deepEqual({ ...res.trailers }, { "x-sum": "900150983cd24fb0" });
    t.is(res.headers.trailer, "X-Sum, Set-Cookie");
    t.is(seen[0]?.te, "trailers");
  });
}

test("A client that does not say so gets none, and its connection goes on", async (t) => {
  const { rig, seen } = await world(t);
  const client = await rawClient(t, rig.port);
  for (let i = 1; i <= 2; i++) {
    client.write(`GET / HTTP/1.1\r\n${HEAD}TE: deflate\r\n\r\n`);
    const all = await client.until(new RegExp(`(0\r\n\r\n[^]*){${i}}$`));
    t.notRegex(all, /x-sum/i);
  }
  t.is(seen[1]?.te, undefined);
  const old = await rawClient(t, rig.port, `GET / HTTP/1.0\r\n${HEAD}TE: trailers\r\n\r\n`);
  t.true((await old.end()).endsWith("\r\n\r\nabc"));
});

test("Trailers behind a chunked request reach the app, without those that belong to a head", async (t) => {
  const { rig, seen } = await world(t);
  const req = request({
    ...{ host: "127.0.0.1", port: rig.port, method: "PUT", agent: false },
    headers: { host: "shop.test", trailer: "X-Sum", "transfer-encoding": "chunked" },
  });
  req.write("hello");
  req.addTrailers({ "X-Sum": "5", Authorization: "x", "X-Forwarded-For": "6.6.6.6", Host: "evil" });
  req.end();
  const [res] = (await once(req, "response")) as [IncomingMessage];
  await text(res);
  t.deepEqual({ ...seen[0]?.trailers }, { "x-sum": "5" });
});

test("A Trailer field goes to the app only with a chunked body", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end("HTTP/1.1 204 No Content\r\n\r\n"));
  rig.route([app.port]);
  const framings = [
    "Content-Length: 0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n",
  ];
  for (const framing of framings) {
    const head = `POST / HTTP/1.1\r\n${HEAD}Connection: close\r\nTrailer: X-Sum\r\n`;
    t.regex(await (await rawClient(t, rig.port, head + framing)).end(), / 204 /);
  }
  t.notRegex(app.received[0] ?? "", /trailer/i);
  t.regex(app.received[1] ?? "", /\r\ntrailer: X-Sum\r\n[^]*\r\n0\r\nX-Sum: 1\r\n\r\n$/);
});
