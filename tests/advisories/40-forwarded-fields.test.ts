import test from "ava";
import { ask, OK_CLOSE, startRawApp, startRouter } from "../support/router-rig.ts";

test("What the client says of itself in X-Forwarded-* and the like is replaced", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  await ask(
    t,
    rig.port,
    "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 443\r\n" +
      "X-Forwarded-Server: evil\r\nX-Forwarded-Prefix: /evil\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n" +
      "X_Forwarded_For: 6.6.6.6\r\nX-Request-Id: evil\r\nX-Forwardedness: kept\r\n",
  );
  const [seen = ""] = app.received;
  t.notRegex(seen, /evil|6\.6\.6\.6|https/);
  for (const line of [
    "x-forwarded-for: 127.0.0.1",
    "x-real-ip: 127.0.0.1",
    "x-forwarded-proto: http",
    "x-forwarded-host: shop.test",
    "x-forwarded-port: 80",
    "x-forwardedness: kept",
  ]) {
    t.is(seen.split(`\r\n${line}\r\n`).length, 2, line);
  }
  t.regex(seen, /\r\nx-request-id: [0-9a-f-]{36}\r\n/);
});

test("A Connection field takes none of the router's own fields away", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  await ask(
    t,
    rig.port,
    "Connection: x-real-ip, X-Forwarded-For\r\nConnection: x-forwarded-proto, x-request-id, host\r\n",
  );
  const [seen = ""] = app.received;
  for (const name of [
    "x-real-ip",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-request-id",
    "host",
  ]) {
    t.regex(seen, new RegExp(`\r\n${name}: .`));
  }
});

test("Hop-by-hop fields of the client stay with its own connection", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  await ask(
    t,
    rig.port,
    "Keep-Alive: 3\r\nProxy-Connection: x\r\nTE: deflate\r\nProxy-Authorization: secret\r\nTrailer: x\r\nCookie: a\r\n",
  );
  t.notRegex(app.received[0] ?? "", /keep-alive: 3|proxy-|te: |trailer|secret/i);
  t.regex(app.received[0] ?? "", /cookie: a/);
});
