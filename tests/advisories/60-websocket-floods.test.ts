import { once } from "node:events";
import test from "ava";
import { WebSocket, WebSocketServer } from "ws";
import { createServer } from "node:http";
import { ask, eventually, HEAD, listen, rawClient, startRouter } from "../support/router-rig.ts";

const UPGRADE = `${HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;

test("A handshake with 2,000 fields is 431, and the next one works", async (t) => {
  const rig = await startRouter(t);
  const server = createServer((_req, res) => res.end("plain"));
  const sockets = new WebSocketServer({ server });
  rig.route([await listen(server)]);
  t.teardown(() => {
    sockets.close();
    server.close();
  });
  const flood = await rawClient(
    t,
    rig.port,
    `GET / HTTP/1.1\r\n${UPGRADE}${"x:y\r\n".repeat(2000)}\r\n`,
  );
  t.regex(await flood.end(), /^HTTP\/1\.1 431 /);
  const next = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${UPGRADE}\r\n`);
  await next.until(/^HTTP\/1\.1 101 /);
  t.regex(await ask(t, rig.port), /plain/);
});

test("A flood of tiny fragments passes through, and others are served meanwhile", async (t) => {
  const rig = await startRouter(t);
  const server = createServer((_req, res) => res.end("plain"));
  const sockets = new WebSocketServer({ server });
  let got = 0;
  sockets.on("connection", (socket) => socket.on("message", (data: Buffer) => (got = data.length)));
  rig.route([await listen(server)]);
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate();
    sockets.close();
    server.close();
  });
  const client = new WebSocket(`ws://127.0.0.1:${rig.port}/`, { headers: { host: "shop.test" } });
  t.teardown(() => client.terminate());
  await once(client, "open");
  const fragments = 10_000;
  for (let i = 0; i < fragments; i++)
    client.send("x", { fin: i === fragments - 1, compress: false });
  for (let i = 0; i < 5; i++) t.regex(await ask(t, rig.port), /plain/);
  await eventually(() => got > 0);
  t.is(got, fragments);
});
