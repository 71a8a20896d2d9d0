import test from "ava";
import {
  ask,
  eventually,
  HEAD,
  OK,
  OK_CLOSE,
  rawClient,
  startRawApp,
  startRouter,
  startHttpApp,
} from "../../support/router-rig.ts";

test("A request in flight ends on the old colour, within the drain of the new route", async (t) => {
  const changes: string[] = [];
  const rig = await startRouter(t, { changed: (what) => changes.push(what) });
  let answerNow = (): void => undefined;
  const blue = await startRawApp(t, (socket) => (answerNow = () => void socket.write(OK)));
  const green = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([blue.port], { drainMs: 1 });
  const slow = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => blue.received.length === 1);
  rig.route([green.port], { drainMs: 8000 });
  t.like(rig.acks.at(-1), { type: "flipped", draining: 1 });
  t.deepEqual(rig.router.report().busy, { [`shop-${blue.port}`]: 1 });
  t.regex(await ask(t, rig.port), /200 OK/);
  const before = changes.filter((what) => what === "idle").length;
  answerNow();
  await slow.until(/200 OK[^]*ok$/);
  await eventually(() => Object.keys(rig.router.report().busy).length === 0);
  t.is(changes.filter((what) => what === "idle").length, before + 1);
  // The client's own connection stays, and now leads to the new colour.
  slow.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => green.received.length === 2);
});

test("What is not done at the end of the drain is cut and counted as lost", async (t) => {
  const rig = await startRouter(t);
  const blue = await startRawApp(t, (socket, head) => {
    if (head.startsWith("GET /begun"))
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal");
  });
  rig.route([blue.port]);
  const waiting = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  const begun = await rawClient(t, rig.port, `GET /begun HTTP/1.1\r\n${HEAD}\r\n`);
  await begun.until(/hal$/);
  await eventually(() => blue.received.length === 2);
  rig.route([], { drainMs: 60 });
  t.regex(await waiting.end(), /^HTTP\/1\.1 504 /);
  t.true((await begun.end()).endsWith("hal"));
  t.is(rig.router.counters("shop").lost, 2);
  t.deepEqual(rig.router.report().busy, {});
});

test("Event streams are ended properly, one after the other", async (t) => {
  const rig = await startRouter(t);
  const port = await startHttpApp(t, (_req, res) => {
    res.writeHead(200, { "content-type": "text/event-stream" });
    res.write("data: 1\n\n");
  });
  rig.route([port]);
  const ended: number[] = [];
  const clients = [];
  for (let i = 0; i < 4; i++) {
    const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
    await client.until(/data: 1\n\n/);
    client.socket.on("data", () => ended.push(performance.now()));
    clients.push(client);
  }
  rig.route([], { drainMs: 800 });
  await Promise.all(clients.map((client) => client.until(/\r\n0\r\n\r\n$/)));
  t.true((ended.at(-1) ?? 0) - (ended[0] ?? 0) > 100);
  t.is(rig.router.counters("shop").lost, 0);
});

test("A rollback during the drain takes the old targets back, and nothing of theirs is cut", async (t) => {
  const rig = await startRouter(t);
  let answerNow = (): void => undefined;
  const blue = await startRawApp(t, (socket) => (answerNow = () => void socket.write(OK)));
  const green = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([blue.port]);
  const slow = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => blue.received.length === 1);
  rig.route([green.port], { drainMs: 80 });
  rig.route([blue.port], { drainMs: 80 });
  t.deepEqual(rig.router.report().busy, {});
  await new Promise((resolve) => setTimeout(resolve, 160));
  answerNow();
  await slow.until(/200 OK[^]*ok$/);
  t.is(rig.router.counters("shop").lost, 0);
});

test("An instance that comes back at another address is reached there", async (t) => {
  const rig = await startRouter(t);
  const first = await startRawApp(t, (socket) => socket.write(OK.replace("ok", "v1")));
  const second = await startRawApp(t, (socket) => socket.write(OK.replace("ok", "v2")));
  const target = (port: number) => [{ id: "shop-web-1", host: "127.0.0.1", port }];
  rig.route([], { targets: target(first.port) });
  t.regex(await ask(t, rig.port), /v1$/);
  rig.route([], { targets: target(second.port) });
  t.regex(await ask(t, rig.port), /v2$/);
});

test("Closing lets requests end, tells their connections to close, and takes no new ones", async (t) => {
  const rig = await startRouter(t);
  let answerNow = (): void => undefined;
  const app = await startRawApp(t, (socket) => (answerNow = () => void socket.write(OK)));
  rig.route([app.port]);
  const idle = await rawClient(t, rig.port);
  const slow = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => app.received.length === 1);
  const closing = rig.router.close(8000);
  await idle.end();
  await t.throwsAsync(rawClient(t, rig.port), { code: "ECONNREFUSED" });
  answerNow();
  t.regex(await slow.end(), /200 OK[^]*connection: close[^]*ok$/i);
  await closing;
  t.is(rig.router.counters("shop").lost, 0);
});
