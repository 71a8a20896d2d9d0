import test from "ava";
import { HEAD, OK_CLOSE, rawClient, startRawApp, startRouter } from "../support/router-rig.ts";

test("A head beyond 32 KB is 431 and reaches no app", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const bomb of [
    `X-Forwarded-For: ${"1.1.1.1, ".repeat(11_000)}\r\n`,
    "X-Forwarded-For: 1.1.1.1\r\n".repeat(4000),
    `Cookie: ${"a=b; ".repeat(20_000)}\r\n`,
    `Connection: ${"a,".repeat(20_000)}\r\n`,
  ]) {
    const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}${bomb}\r\n`);
    t.regex(await client.end(), /^HTTP\/1\.1 431 /);
  }
  t.deepEqual(app.received, []);
});

test("A head just within the bounds is routed, however it is filled", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const full of [
    `Connection: ${"a,".repeat(15_000)}\r\n`,
    `X-Forwarded-For: ${"1.1.1.1, ".repeat(3000)}\r\n`,
    "Connection: x-a, x-b\r\nX-A: b\r\n".repeat(250),
  ]) {
    const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}${full}\r\n`);
    await client.until(/^HTTP\/1\.1 200 /);
  }
  t.notRegex(app.received.join(""), /1\.1\.1\.1|x-a: b/);
});
