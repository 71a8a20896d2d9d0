import { once } from "node:events";
import { createServer } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import test, { type ExecutionContext } from "ava";
import { WebSocket, WebSocketServer } from "ws";
import {
  ask,
  deadPort,
  eventually,
  HEAD,
  listen,
  OK_CLOSE,
  rawClient,
  startRawApp,
  startRouter,
  type RouterRig,
} from "../../support/router-rig.ts";

const SHAKE = `GET /ws HTTP/1.1\r\n${HEAD}Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`;
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";

async function startEcho(t: ExecutionContext): Promise<{ port: number; sockets: WebSocketServer }> {
  const server = createServer((_req, res) => res.end("plain"));
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket) =>
    socket.on("message", (data, binary) => socket.send(data, { binary })),
  );
  const port = await listen(server);
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    server.close();
  });
  return { port, sockets };
}

async function connectTo(t: ExecutionContext, rig: RouterRig): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${rig.port}/ws`, { headers: { host: "shop.test" } });
  client.on("error", () => undefined);
  t.teardown(() => client.terminate());
  await once(client, "open");
  return client;
}

test("A WebSocket is carried both ways, large and small, and counted as served", async (t) => {
  const rig = await startRouter(t);
  const echo = await startEcho(t);
  rig.route([await deadPort(), echo.port]);
  const client = await connectTo(t, rig);
  for (const size of [0, 5, 130, 70_000, 3_000_000]) {
    client.send(Buffer.alloc(size, "x"));
    const [data] = (await once(client, "message")) as [Buffer];
    t.is(data.length, size);
  }
  t.deepEqual(rig.router.counters("shop").served, { 1: 1 });
  client.close();
  await once(client, "close");
  await eventually(
    () => rig.router.stats().apps["shop"]?.targets.every(({ open }) => open === 0) === true,
  );
});

test("What comes right behind the handshake on either side is not lost", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => {
    socket.write(`${SWITCH}\r\nfirst`);
    socket.on("data", (chunk) => socket.write(`<${chunk.toString()}>`));
  });
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, `${SHAKE}early`);
  await client.until(/101 [^]*\r\n\r\nfirst<early>$/);
  t.pass();
});

for (const [name, bytes, expected] of [
  [
    "200 with a length",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/,
  ],
  [
    "200 in chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n2\r\nok\r\n0\r\n\r\n$/,
  ],
  [
    "426",
    "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
    /^HTTP\/1\.1 426 Upgrade Required\r\n/,
  ],
  [
    "401 until its end",
    "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n\r\nno",
    /^HTTP\/1\.1 401 No\r\n[^]*no\r\n0\r\n\r\n$/,
  ],
] as const) {
  test(`An app that answers a handshake with ${name}: the answer comes whole, and the connection ends`, async (t) => {
    const rig = await startRouter(t);
    const app = await startRawApp(t, (socket) =>
      name.includes("end") ? socket.end(bytes) : socket.write(bytes),
    );
    rig.route([app.port]);
    const client = await rawClient(t, rig.port, `${SHAKE}GET /smuggled HTTP/1.1\r\n${HEAD}\r\n`);
    const text = await client.end();
    t.regex(text, expected);
    t.regex(text, /connection: close\r\n/i);
    t.is(app.received.length, 1);
    t.false(app.received.join("").includes("smuggled"));
  });
}

for (const [name, bytes] of [
  ["nothing", ""],
  ["junk", "220 mail\r\n\r\n"],
  ["status 042", "HTTP/1.1 042 X\r\nContent-Length: 0\r\n\r\n"],
  ["a control character in the reason", "HTTP/1.1 200 O\x01\r\nContent-Length: 0\r\n\r\n"],
  ["101 to another protocol", "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"],
  ["101 without an Upgrade", "HTTP/1.1 101 X\r\n\r\n"],
] as const) {
  test(`An app that answers a handshake with ${name}: 502, and the router lives`, async (t) => {
    const rig = await startRouter(t);
    const app = await startRawApp(
      t,
      (socket) => void (bytes ? socket.write(bytes, "latin1") : socket.end()),
    );
    rig.route([app.port]);
    t.regex(await (await rawClient(t, rig.port, SHAKE)).end(), /^HTTP\/1\.1 502 /);
    t.is(rig.router.counters("shop").lost, 1);
    rig.route([]);
    t.regex(await ask(t, rig.port), /503/);
  });
}

test("Clients that reset at any moment of a handshake do no harm", async (t) => {
  const rig = await startRouter(t);
  let shaken = 0;
  const app = await startRawApp(t, (socket) => {
    shaken++;
    setTimeout(() => socket.write(`${SWITCH}\r\nhello`), 20);
  });
  rig.route([app.port]);
  for (let i = 0; i < 20; i++) {
    const client = await rawClient(t, rig.port, SHAKE);
    await eventually(() => shaken === i + 1);
    if (i % 3 === 1) await client.until(/hello/);
    if (i % 3 === 2) client.write("x");
    client.socket.resetAndDestroy();
  }
  await eventually(() => rig.router.stats().apps["shop"]?.targets[0]?.open === 0);
  t.is(rig.router.counters("shop").lost, 0);
  const last = await rawClient(t, rig.port, SHAKE);
  await last.until(/hello/);
});

test("A handshake with an unknown host is 404, with a wrong head 400, with no reachable app 503", async (t) => {
  const rig = await startRouter(t);
  rig.route([await deadPort()]);
  t.regex(
    await (await rawClient(t, rig.port, SHAKE.replace("shop.test", "other.test"))).end(),
    /^HTTP\/1\.1 404 /,
  );
  t.regex(
    await (await rawClient(t, rig.port, SHAKE.replace(HEAD, HEAD + HEAD))).end(),
    /^HTTP\/1\.1 400 /,
  );
  t.regex(await (await rawClient(t, rig.port, SHAKE)).end(), /^HTTP\/1\.1 503 /);
});

test("A handshake that nobody answers is ended", async (t) => {
  const rig = await startRouter(t, { limits: { handshakeMs: 100 } });
  const app = await startRawApp(t, () => undefined);
  rig.route([app.port]);
  t.regex(await (await rawClient(t, rig.port, SHAKE)).end(), /^HTTP\/1\.1 502 /);
});

test("After a swap a WebSocket on the old colour gets a drain window, then 1001", async (t) => {
  const rig = await startRouter(t);
  const [blue, green] = [await startEcho(t), await startEcho(t)];
  rig.route([blue.port]);
  const client = await connectTo(t, rig);
  rig.route([green.port], { drainMs: 1500 });
  client.send("still");
  const [data] = await once(client, "message");
  t.is(String(data), "still");
  t.deepEqual(rig.router.report().busy, { [`shop-${blue.port}`]: 1 });
  const [code] = await once(client, "close");
  t.is(code, 1001);
  await eventually(() => Object.keys(rig.router.report().busy).length === 0);
  const next = await connectTo(t, rig);
  t.is(green.sockets.clients.size, 1);
  next.terminate();
});

test("A message that is only half there is never followed by a close frame", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) =>
    socket.write(Buffer.from(`${SWITCH}\r\n\x82\x05ab`, "latin1")),
  );
  rig.route([app.port]);
  const client = await rawClient(t, rig.port, SHAKE);
  await client.until(/ab$/);
  const other = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([other.port], { drainMs: 50 });
  t.true((await client.end()).endsWith("\x82\x05ab"));
});

/** Writes until the other side takes no more, or `most` bytes. Returns how many went. */
function pour(socket: Socket, most: number): () => number {
  const piece = Buffer.alloc(65_536, 0x81);
  let sent = 0;
  const fill = () => {
    let more = true;
    while (more && sent < most && !socket.destroyed) {
      sent += piece.length;
      more = socket.write(piece);
    }
    if (!more) socket.once("drain", fill);
  };
  fill();
  return () => sent;
}

for (const slow of ["client", "app"]) {
  test(`A WebSocket's ${slow} that does not read holds the other side back, and leaving ends both`, async (t) => {
    const rig = await startRouter(t);
    let other: Socket | undefined;
    let appGone = false;
    const app = await startRawApp(t, (socket) => {
      other = socket;
      socket.write(`${SWITCH}\r\n`);
      socket.on("close", () => (appGone = true));
    });
    rig.route([app.port]);
    const client = await rawClient(t, rig.port, SHAKE);
    await client.until(/101 [^]*\r\n\r\n$/);
    const [from, to] = slow === "client" ? [other, client.socket] : [client.socket, other];
    if (!from || !to) throw new Error("the app has no connection");
    to.pause();
    const most = 200_000_000;
    const sent = pour(from, most);
    let before = -1;
    while (before !== sent()) {
      before = sent();
      await sleep(300);
    }
    t.true(before < 30_000_000, `${before}`);
    to.resume();
    await eventually(() => sent() > before + 1_000_000);
    client.socket.destroy();
    await eventually(() => appGone);
    await eventually(() => rig.router.stats().apps["shop"]?.targets[0]?.open === 0);
  });
}
