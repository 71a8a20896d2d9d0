import { createServer } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import {
  ask,
  deadPort,
  eventually,
  HEAD,
  listen,
  OK,
  OK_CLOSE,
  rawClient,
  startRawApp,
  startRouter,
  startHttpApp,
} from "../../support/router-rig.ts";

test("A request reaches the app and its answer the client, with fields in their order", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) =>
    socket.write(
      "HTTP/1.1 201 Made\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok",
    ),
  );
  rig.route([app.port]);
  const text = await ask(
    t,
    rig.port,
    "Cookie: x=1\r\nX-Multi: 1\r\nX-Multi: 2\r\n",
    "//a//b?q=//c&%zz",
  );
  t.regex(
    text,
    /^HTTP\/1\.1 201 Made\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX-A: b\r\nContent-Length: 2\r\n/,
  );
  t.true(text.endsWith("\r\n\r\nok"));
  t.regex(app.received[0] ?? "", /^GET \/\/a\/\/b\?q=\/\/c&%zz HTTP\/1\.1\r\n/);
  t.regex(app.received[0] ?? "", /x-multi: 1\r\nx-multi: 2\r\n/);
  t.regex(app.received[0] ?? "", /host: shop\.test\r\n/);
  t.deepEqual(rig.router.counters("shop").served, { 1: 1 });
});

test("Connections to the app are kept and used again", async (t) => {
  const rig = await startRouter(t);
  const app = createServer((_req, res) => res.end("hi"));
  let connections = 0;
  app.on("connection", () => connections++);
  rig.route([await listen(app)]);
  t.teardown(() => app.close());
  for (let i = 0; i < 10; i++) t.regex(await ask(t, rig.port), /200 OK/);
  t.is(connections, 1);
});

test("An unknown host gets a 404 that names it", async (t) => {
  const rig = await startRouter(t);
  const text = await (
    await rawClient(
      t,
      rig.port,
      "GET / HTTP/1.1\r\nHost: Other.test:80\r\nConnection: close\r\n\r\n",
    )
  ).end();
  t.regex(text, /^HTTP\/1\.1 404 /);
  t.regex(text, /There is no app at other\.test\.\n$/);
});

test("A host matches in any case, with a port and a trailing dot", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const host of ["SHOP.test", "shop.test:8080", "shop.test.", "Shop.Test.:80"]) {
    const client = await rawClient(
      t,
      rig.port,
      `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    t.regex(await client.end(), /200 OK/, host);
  }
});

test("An app that nobody can reach is 503 with Retry-After, and counted as refused", async (t) => {
  const rig = await startRouter(t);
  rig.route([await deadPort()]);
  const text = await ask(t, rig.port);
  t.regex(text, /^HTTP\/1\.1 503 /);
  t.regex(text, /retry-after: 1\r\n/i);
  t.is(rig.router.counters("shop").refused, 1);
  rig.route([]);
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 503 /);
});

test("A target that refuses the connection costs nothing when another one is there, bodies included", async (t) => {
  const rig = await startRouter(t);
  const port = await startHttpApp(t, (req, res) => {
    let body = "";
    req.on("data", (chunk) => (body += chunk));
    req.on("end", () => res.end(`got ${body}`));
  });
  rig.route([await deadPort(), port, await deadPort()]);
  for (let i = 0; i < 12; i++) {
    const method = i % 2 ? "POST" : "PUT";
    const client = await rawClient(
      t,
      rig.port,
      `${method} / HTTP/1.1\r\n${HEAD}Connection: close\r\nContent-Length: 5\r\n\r\nhello`,
    );
    t.regex(await client.end(), /200 OK[^]*got hello$/);
  }
  t.is(rig.router.counters("shop").lost, 0);
});

test("Requests go to the target with the fewest open ones", async (t) => {
  const rig = await startRouter(t);
  const slow = await startRawApp(t, () => undefined);
  const quick = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([slow.port, quick.port]);
  await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => slow.received.length === 1);
  for (let i = 0; i < 6; i++) t.regex(await ask(t, rig.port), /200 OK/);
  t.is(slow.received.length, 1);
});

test("A GET that meets a connection closed by the app is sent again on a fresh one", async (t) => {
  const rig = await startRouter(t);
  // Answers the first request of a connection and resets on the second.
  const app = await startRawApp(t, (socket) => {
    socket.write(OK);
    socket.on("data", () => socket.resetAndDestroy());
  });
  rig.route([app.port]);
  for (let i = 0; i < 6; i++) t.regex(await ask(t, rig.port), /200 OK/);
  t.true(rig.router.counters("shop").retried >= 2);
  t.is(rig.router.counters("shop").lost, 0);
});

test("A POST never rides on a used connection, which may be dead", async (t) => {
  const rig = await startRouter(t);
  let connections = 0;
  const app = createServer((req, res) => {
    req.resume();
    req.on("end", () => res.end("ok"));
  });
  app.on("connection", () => connections++);
  rig.route([await listen(app)]);
  t.teardown(() => app.close());
  const client = await rawClient(t, rig.port);
  const one = `GET / HTTP/1.1\r\n${HEAD}\r\n`;
  const other = `POST / HTTP/1.1\r\n${HEAD}Content-Length: 2\r\n\r\nhi`;
  for (let i = 1; i <= 10; i++) {
    client.write(i % 2 ? one : other);
    await eventually(() => client.text().split("200 OK").length === i + 1);
  }
  t.is(connections, 6);
});

test("An app that closes its idle connections early loses no request", async (t) => {
  const rig = await startRouter(t);
  const port = await startHttpApp(t, (req, res) => {
    req.resume();
    req.on("end", () => res.end("ok"));
    // Closed a moment after the answer, without a word.
    res.on("finish", () => setTimeout(() => req.socket.destroy(), 2));
  });
  rig.route([port]);
  const client = await rawClient(t, rig.port);
  for (let i = 1; i <= 150; i++) {
    client.write(`${i % 3 ? "GET" : "POST"} / HTTP/1.1\r\n${HEAD}\r\n`);
    await eventually(() => client.text().split("200 OK").length === i + 1);
    await sleep(i % 4);
  }
  t.like(rig.router.counters("shop"), { served: { 1: 150 }, refused: 0, lost: 0 });
});

test("An app that breaks off before its head is 502, in the middle of a body is a cut", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket, head) => {
    if (head.startsWith("GET /cut")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal");
    else socket.destroy();
  });
  rig.route([app.port]);
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 502 /);
  t.true((await ask(t, rig.port, "", "/cut")).endsWith("\r\n\r\nhal"));
  t.is(rig.router.counters("shop").lost, 2);
});

test("An event stream comes through piece by piece, its head at once", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => {
    socket.write(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    socket.on("data", () => undefined);
    socket.once("more", () => socket.write("8\r\ndata: 1\n\r\n"));
    stream = socket;
  });
  let stream: Socket | undefined;
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await client.until(/\r\n\r\n/);
  stream?.emit("more");
  await client.until(/data: 1\n/);
  t.pass();
});

test("A client that leaves ends the app's work on its request", async (t) => {
  const rig = await startRouter(t);
  let ended = 0;
  const app = await startRawApp(t, (socket) => socket.on("close", () => ended++));
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => app.received.length === 1);
  client.socket.destroy();
  await eventually(() => ended === 1);
  t.is(rig.router.counters("shop").lost, 0);
  const [target] = rig.router.stats().apps["shop"]?.targets ?? [];
  t.like(target, { id: `shop-${app.port}`, open: 0, down: false });
  t.like(target?.answers, { failed: 0, cut: 0 }, "the instance has done nothing wrong");
});

test("A client that does not read slows the app down instead of filling memory", async (t) => {
  const rig = await startRouter(t);
  let sent = 0;
  const port = await startHttpApp(t, (_req, res) => {
    const block = Buffer.alloc(65_536);
    const more = (): void => {
      while (sent < 200e6) {
        sent += block.length;
        if (!res.write(block)) return void res.once("drain", more);
      }
      res.end();
    };
    more();
  });
  rig.route([port]);
  const client = await rawClient(t, rig.port);
  client.socket.pause();
  client.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
  let before = -1;
  await eventually(() => sent > 0);
  while (before !== sent) {
    before = sent;
    await sleep(300);
  }
  t.true(sent < 100e6, `${sent} bytes taken for a client that reads nothing`);
});

test("An upload goes through as it is, also when the app answers before its end", async (t) => {
  const rig = await startRouter(t);
  const port = await startHttpApp(t, (req, res) => {
    if (req.url === "/early") {
      res.writeHead(413).end("too much");
      return;
    }
    let bytes = 0;
    req.on("data", (chunk: Buffer) => (bytes += chunk.length));
    req.on("end", () =>
      res.end(`${bytes} ${req.headers["transfer-encoding"] ?? req.headers["content-length"]}`),
    );
  });
  rig.route([port]);
  const body = Buffer.alloc(3_000_000, "x");
  const client = await rawClient(
    t,
    rig.port,
    `PUT / HTTP/1.1\r\n${HEAD}Content-Length: 3000000\r\n\r\n`,
  );
  client.socket.write(body);
  await client.until(/3000000 3000000$/);
  client.write(`POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`);
  await client.until(/3 chunked/);
  const early = await rawClient(
    t,
    rig.port,
    `POST /early HTTP/1.1\r\n${HEAD}Content-Length: 30\r\n\r\nabc`,
  );
  await early.until(/413 [^]*too much/);
  t.is(rig.router.counters("shop").lost, 0);
});

test("Expect: 100-continue is answered when the app is there to take the body", async (t) => {
  const rig = await startRouter(t);
  const port = await startHttpApp(t, (req, res) => {
    req.resume();
    req.on("end", () => res.end(`expect ${req.headers.expect}`));
  });
  rig.route([port]);
  const client = await rawClient(
    t,
    rig.port,
    `PUT / HTTP/1.1\r\n${HEAD}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
  );
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
  client.write("hi");
  await client.until(/200 OK[^]*expect undefined/);
  rig.route([await deadPort()]);
  const refused = await rawClient(
    t,
    rig.port,
    `PUT / HTTP/1.1\r\n${HEAD}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
  );
  t.regex(await refused.end(), /^HTTP\/1\.1 503 /);
});

test("HEAD, 204 and 304 have no body, and the connection goes on", async (t) => {
  const rig = await startRouter(t);
  const port = await startHttpApp(t, (req, res) => {
    if (req.url === "/204") res.writeHead(204).end();
    else if (req.url === "/304") res.writeHead(304, { etag: '"x"' }).end();
    else res.end("body");
  });
  rig.route([port]);
  const client = await rawClient(
    t,
    rig.port,
    `HEAD / HTTP/1.1\r\n${HEAD}\r\nGET /204 HTTP/1.1\r\n${HEAD}\r\n`,
  );
  client.write(`GET /304 HTTP/1.1\r\n${HEAD}\r\nGET /end HTTP/1.1\r\n${HEAD}\r\n`);
  const text = await client.until(/body$/);
  t.deepEqual(text.match(/HTTP\/1\.1 \d+/g), [
    "HTTP/1.1 200",
    "HTTP/1.1 204",
    "HTTP/1.1 304",
    "HTTP/1.1 200",
  ]);
  t.is(text.split("body").length, 2);
});

test("An HTTP/1.0 client gets a body that ends with the connection", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) =>
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
  );
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, `GET / HTTP/1.0\r\n${HEAD}\r\n`);
  const text = await client.end();
  t.true(text.endsWith("\r\n\r\nabc"));
  t.notRegex(text, /transfer-encoding/i);
});
