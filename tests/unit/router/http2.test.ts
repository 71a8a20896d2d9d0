import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import {
  DATA,
  END_HEADERS,
  frame,
  HEADERS,
  POST,
  PREFACE,
  RST_STREAM,
  uint32,
} from "../../support/http2-frames.ts";
import { answerOf, ask2, http2Client } from "../../support/http2-client.ts";
import {
  eventually,
  OK,
  OK_CLOSE,
  routeTo,
  startHttpApp,
  startRawApp,
} from "../../support/router-rig.ts";
import { startTlsRouter, tlsClient } from "../../support/tls-rig.ts";

/** Waits until a figure grows no more. */
async function atRest(read: () => number): Promise<number> {
  for (;;) {
    const before = read();
    await sleep(400);
    if (before > 0 && read() === before) return before;
  }
}

test("A stream becomes a request of HTTP/1.1 to the app, and its answer one of HTTP/2", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket) =>
    socket.end(
      "HTTP/1.1 201 Made\r\nX-One: 1\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nConnection: close, x-drop\r\nX-Drop: y\r\nContent-Length: 2\r\n\r\nok",
    ),
  );
  rig.route([app.port]);
  const session = await http2Client(t, rig);
  const fields = { ":path": "/a?b=c", "x-two": "2", cookie: ["c=3", "d=4"], te: "trailers" };
  const answer = await ask2(session, { ...fields, "x-forwarded-for": "6.6.6.6" });
  t.is(answer.status, 201);
  t.is(answer.body, "ok");
  t.is(answer.headers["x-one"], "1");
  t.deepEqual(answer.headers["set-cookie"], ["a=1", "b=2"]);
  t.false("connection" in answer.headers || "x-drop" in answer.headers);
  const head = app.received[0] ?? "";
  t.regex(head, /^GET \/a\?b=c HTTP\/1\.1\r\nhost: shop\.test:443\r\n/);
  t.regex(head, /\r\nx-two: 2\r\n/);
  t.regex(head, /\r\ncookie: c=3; d=4\r\n/);
  t.regex(head, /\r\nx-forwarded-for: 127\.0\.0\.1\r\n/);
  t.regex(head, /\r\nx-forwarded-proto: https\r\n/);
  t.regex(head, /\r\nx-forwarded-port: 443\r\n/);
  t.regex(head, /\r\nx-request-id: [0-9a-f-]{36}\r\n/);
  t.notRegex(head, /\r\n(?:transfer-encoding|content-length):/);
});

test("Bodies of known and unknown length pass both ways, many at once", async (t) => {
  const rig = await startTlsRouter(t);
  rig.route([
    await startHttpApp(t, (req, res) => {
      res.setHeader("x-length", req.headers["content-length"] ?? "none");
      req.pipe(res);
    }),
  ]);
  const session = await http2Client(t, rig);
  const body = "y".repeat(400_000);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => {
      const length = i % 2 === 0 ? { "content-length": body.length } : {};
      const stream = session.request({ ":method": "POST", ":path": "/", ...length });
      stream.end(body);
      return answerOf(stream);
    }),
  );
  t.true(answers.every((answer) => answer.status === 200 && answer.body === body));
  t.deepEqual(
    new Set(answers.map(({ headers }) => headers["x-length"])),
    new Set(["400000", "none"]),
  );
  t.is(rig.router.counters("shop").served[1], 20);
});

test("HEAD, 204 and 304 have no body, and the connection goes on", async (t) => {
  const rig = await startTlsRouter(t);
  rig.route([
    await startHttpApp(t, (req, res) => {
      res.writeHead(Number(req.url?.slice(1)) || 200, { "x-a": "b" });
      res.end();
    }),
  ]);
  const session = await http2Client(t, rig);
  for (const [method, status] of [
    ["HEAD", 200],
    ["GET", 204],
    ["GET", 304],
    ["GET", 200],
  ] as const) {
    const answer = await ask2(session, { ":method": method, ":path": `/${status}` });
    t.like(answer, { status, body: "" });
    t.is(answer.headers["x-a"], "b");
  }
});

test("Events pass at once; a client that resets ends the request to the app", async (t) => {
  const rig = await startTlsRouter(t);
  let gone = 0;
  rig.route([
    await startHttpApp(t, (req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.write("data: 1\n\n");
      setTimeout(() => res.write("data: 2\n\n"), 100);
      req.on("close", () => gone++);
    }),
  ]);
  const session = await http2Client(t, rig);
  const stream = session.request({ ":path": "/" });
  stream.on("error", () => undefined);
  let text = "";
  stream.on("data", (chunk) => (text += String(chunk)));
  await eventually(() => text === "data: 1\n\n");
  await eventually(() => text === "data: 1\n\ndata: 2\n\n");
  t.is(rig.router.stats().apps["shop"]?.streams, 1);
  stream.close(8);
  await eventually(() => gone === 1);
  await eventually(() => rig.router.stats().apps["shop"]?.targets[0]?.open === 0);
  t.is(rig.router.counters("shop").lost, 0);
});

test("An app waits for a client that does not read, and other streams pass it by", async (t) => {
  const rig = await startTlsRouter(t);
  let written = 0;
  rig.route([
    await startHttpApp(t, (req, res) => {
      if (req.url === "/small") {
        res.end("small");
        return;
      }
      const piece = Buffer.alloc(65_536, "z");
      const fill = () => {
        let more = true;
        while (more && written < 200_000_000 && !res.destroyed) {
          written += piece.length;
          more = res.write(piece);
        }
        if (!more) res.once("drain", fill);
      };
      fill();
    }),
  ]);
  const session = await http2Client(t, rig);
  const stream = session.request({ ":path": "/large" });
  stream.on("error", () => undefined);
  await once(stream, "response");
  stream.pause();
  const before = await atRest(() => written);
  t.is((await ask2(session, { ":path": "/small" })).body, "small");
  await sleep(200);
  t.is(written, before, "the app stands still");
  t.true(written < 30_000_000, `${written}`);
  stream.close(8);
});

test("An app waits with a body for nobody: its router holds back what it does not read", async (t) => {
  const rig = await startTlsRouter(t);
  const stuck: Socket[] = [];
  const app = await startRawApp(t, (socket) => {
    socket.pause();
    stuck.push(socket);
  });
  rig.route([app.port]);
  const session = await http2Client(t, rig);
  const stream = session.request({ ":method": "POST", ":path": "/" });
  stream.on("error", () => undefined);
  let sent = 0;
  const piece = Buffer.alloc(65_536);
  const fill = () => {
    let more = true;
    while (more && sent < 200_000_000) {
      sent += piece.length;
      more = stream.write(piece);
    }
    if (!more) stream.once("drain", fill);
  };
  fill();
  await atRest(() => sent);
  t.true(sent < 30_000_000, `${sent}`);
  stream.close(8);
});

test("A request goes to the new release once a swap has let go of it", async (t) => {
  const rig = await startTlsRouter(t);
  const old = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  const fresh = await startRawApp(t, (socket) => socket.end(OK_CLOSE.replace("ok", "go")));
  rig.route([old.port]);
  const session = await http2Client(t, rig);
  t.is((await ask2(session)).body, "ok");
  rig.router.apply({ type: "prepare", app: "shop", swap: "s1", holdMs: 2000 });
  const held = Promise.all([ask2(session), ask2(session)]);
  await sleep(50);
  const route = routeTo([fresh.port], { version: 2, release: 2, colour: "green" });
  rig.router.apply({ type: "route", route, swap: "s1" });
  t.deepEqual(
    (await held).map(({ body }) => body),
    ["go", "go"],
  );
  t.like(rig.router.counters("shop"), { held: 2, lost: 0, served: { 1: 1, 2: 2 } });
});

test("A used connection that died is tried once more; an app that breaks off resets the stream", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket, head, n) => {
    if (head.startsWith("GET /broken")) {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
      setTimeout(() => socket.destroy(), 50);
    } else if (n > 0) {
      socket.end(OK_CLOSE);
    } else {
      socket.write(OK);
      socket.once("data", () => socket.destroy());
    }
  });
  rig.route([app.port]);
  const session = await http2Client(t, rig);
  t.is((await ask2(session)).body, "ok");
  t.is((await ask2(session)).body, "ok");
  t.is(rig.router.counters("shop").retried, 1);
  await t.throwsAsync(ask2(session, { ":path": "/broken" }));
  t.is(rig.router.counters("shop").lost, 1);
});

test("What the router answers itself comes as an answer of HTTP/2", async (t) => {
  const rig = await startTlsRouter(t);
  rig.route([1], { hosts: ["shop.test"], policy: { maintenance: {} } });
  const session = await http2Client(t, rig);
  const closed = await ask2(session);
  t.is(closed.status, 503);
  t.is(closed.headers["retry-after"], "60");
  t.regex(closed.body, /maintenance/);
  const away = await ask2(session, { ":authority": "other.test" });
  t.is(away.status, 421);
  for (const [fields, status] of [
    [{ ":method": "NONSENSE" }, 400],
    [{ ":path": "no-slash" }, 400],
    [{ ":authority": "a@shop.test" }, 400],
    [{ ":scheme": "http" }, 400],
    [{ "x-large": "x".repeat(40_000) }, 431],
    [{ expect: "200-maybe" }, 417],
  ] as const) {
    const one = await ask2(session, fields).catch((error: Error) => ({ status: error.message }));
    t.true(one.status === status || typeof one.status === "string", JSON.stringify(fields));
    t.false(session.destroyed);
  }
});

test("A router that closes says GOAWAY, and lets what is under way end", async (t) => {
  const rig = await startTlsRouter(t);
  rig.route([
    await startHttpApp(t, (_req, res) => {
      res.write("be");
      setTimeout(() => res.end("gun"), 400);
    }),
  ]);
  const session = await http2Client(t, rig);
  const answer = ask2(session);
  await sleep(50);
  const away = once(session, "goaway");
  const closed = rig.router.close(3000);
  t.is((await away)[0], 0);
  t.is((await answer).body, "begun");
  await closed;
  t.is(rig.router.counters("shop").lost, 0);
});

test("A connection that asks nothing is ended in time, and HTTP/2 is only spoken where it was agreed on", async (t) => {
  const rig = await startTlsRouter(t, { limits: { keepAliveMs: 300 } });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const session = await http2Client(t, rig);
  await once(session, "close");
  const plain = await tlsClient(t, rig, { text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" });
  t.regex(await plain.end(), /^HTTP\/1\.1 400 /);
  t.deepEqual(app.received, []);
});

for (const how of ["reset", "cut off"]) {
  test(`An upload that is ${how} is never whole to the app`, async (t) => {
    const rig = await startTlsRouter(t);
    let gone = 0;
    const app = await startRawApp(t, (socket) => void socket.on("close", () => gone++));
    rig.route([app.port]);
    for (let i = 0; i < 5; i++) {
      const client = await tlsClient(t, rig, { ALPNProtocols: ["h2"] });
      const upload = [frame(HEADERS, END_HEADERS, 1, POST), frame(DATA, 0, 1, Buffer.from("half"))];
      client.socket.write(Buffer.concat([PREFACE, ...upload]));
      await eventually(() => app.received[i]?.endsWith("4\r\nhalf\r\n") === true);
      if (how === "reset") client.socket.write(frame(RST_STREAM, 0, 1, uint32(8)));
      else client.socket.destroy();
      await eventually(() => gone === i + 1);
      t.true(app.received[i]?.endsWith("4\r\nhalf\r\n"), app.received[i]);
    }
  });
}

test("A refused upload gets its answer, and the connection goes on", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port], { policy: { maxBodyBytes: 1000 } });
  const session = await http2Client(t, rig);
  for (const length of [{}, { "content-length": 300_000 }]) {
    const stream = session.request({ ":method": "POST", ":path": "/", ...length });
    stream.write("x".repeat(150_000));
    let status = 0;
    stream.on("response", (fields) => (status = Number(fields[":status"])));
    stream.on("error", () => undefined);
    stream.resume();
    await eventually(() => status === 413);
    await once(stream, "close");
  }
  t.is((await ask2(session)).body, "ok");
});
