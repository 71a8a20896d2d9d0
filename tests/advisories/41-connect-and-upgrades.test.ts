import test from "ava";
import { HEAD, OK_CLOSE, rawClient, startRawApp, startRouter } from "../support/router-rig.ts";

test("CONNECT is 405, and the connection is closed", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const to of [`127.0.0.1:${app.port}`, "shop.test:80"]) {
    const client = await rawClient(
      t,
      rig.port,
      `CONNECT ${to} HTTP/1.1\r\n${HEAD}\r\nGET / HTTP/1.1\r\n${HEAD}\r\n`,
    );
    const text = await client.end();
    t.regex(text, /^HTTP\/1\.1 405 /);
    t.is(text.split("HTTP/1.1 ").length, 2);
  }
  t.deepEqual(app.received, []);
});

const NO_WEBSOCKET = [
  "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n",
  "Connection: upgrade\r\nUpgrade: TLS/1.0\r\n",
  "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n",
  "Connection: upgrade\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n",
];

for (const fields of NO_WEBSOCKET) {
  test(`Not a WebSocket, so a plain request for the app: ${JSON.stringify(fields.slice(0, 60))}`, async (t) => {
    const rig = await startRouter(t);
    const app = await startRawApp(t, (socket) =>
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    );
    rig.route([app.port]);
    const client = await rawClient(t, rig.port, `GET /a HTTP/1.1\r\n${HEAD}${fields}\r\n`);
    await client.until(/200 OK[^]*ok$/);
    t.notRegex(app.received[0] ?? "", /upgrade|settings|h2c/i);
    // The connection is still one of HTTP/1.1.
    client.write("GET / HTTP/1.1\r\nHost: nobody.test\r\n\r\n");
    await client.until(/404 Not Found/);
  });
}

test("What comes right behind such a request, and may be meant for the other protocol, is no request", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const fields of NO_WEBSOCKET) {
    app.received.length = 0;
    const first = `GET /a HTTP/1.1\r\n${HEAD}${fields}\r\n`;
    const client = await rawClient(t, rig.port, `${first}GET /b HTTP/1.1\r\n${HEAD}\r\n`);
    t.is((await client.end()).split("200 OK").length, 2, fields);
    t.notRegex(app.received.join(""), /\/b/, fields);
  }
});

test("A WebSocket handshake with a body or by POST is a plain request", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const fields = `${HEAD}Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi`;
  for (const method of ["GET", "POST"]) {
    const client = await rawClient(t, rig.port, `${method} / HTTP/1.1\r\n${fields}`);
    await client.until(/200 OK/);
    t.notRegex(app.received.at(-1) ?? "", /upgrade/i);
    t.regex(app.received.at(-1) ?? "", /content-length: 2\r\n/);
  }
});
