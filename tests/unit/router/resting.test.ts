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
} from "../../support/router-rig.ts";

const GET = `GET / HTTP/1.1\r\n${HEAD}\r\n`;

test("Requests of an app that rests wait for its new version, in their order", async (t) => {
  const rig = await startRouter(t);
  const old = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  const seen: string[] = [];
  const next = await startRawApp(t, (socket, head) => {
    seen.push(head.split(" ")[1] ?? "");
    socket.end(OK_CLOSE);
  });
  rig.route([old.port]);
  t.regex(await ask(t, rig.port), /200 OK/);
  rig.route([old.port], { policy: { restsMs: 10_000 } });
  t.like(rig.acks.at(-1), { type: "flipped", version: 2 });
  t.is(rig.router.report().acks["shop"], 2);
  const all = Array.from({ length: 250 }, (_, i) => ask(t, rig.port, "", `/${i}`));
  const post = rawClient(t, rig.port, `POST /p HTTP/1.1\r\n${HEAD}Content-Length: 2\r\n\r\nhi`);
  await eventually(() => rig.router.counters("shop").held === 251);
  t.is(old.received.length, 1);
  // The swap, as any: held first, then flipped.
  rig.router.apply({ type: "prepare", app: "shop", swap: "s1", holdMs: 5000 });
  const during = ask(t, rig.port, "", "/during");
  rig.route([next.port], { colour: "green", release: 2 });
  for (const answer of await Promise.all(all)) t.regex(answer, /^HTTP\/1\.1 200 OK/);
  t.regex(await (await post).until(/ok$/), /^HTTP\/1\.1 200 OK/);
  t.regex(await during, /^HTTP\/1\.1 200 OK/);
  t.is(seen.length, 252);
  t.is(old.received.length, 1);
  const { lost, refused } = rig.router.counters("shop");
  t.deepEqual({ lost, refused }, { lost: 0, refused: 0 });
});

test("When the old version runs again, it is asked again", async (t) => {
  const rig = await startRouter(t);
  const old = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([old.port]);
  rig.route([old.port], { policy: { restsMs: 10_000 } });
  const waits = ask(t, rig.port);
  await eventually(() => rig.router.counters("shop").held === 1);
  rig.route([old.port]);
  t.regex(await waits, /^HTTP\/1\.1 200 OK/);
});

test("Nobody waits longer than the bound; then it is 503, and when to come again", async (t) => {
  const rig = await startRouter(t);
  const old = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([old.port]);
  const errorPages = { "503": "<b>our own</b>" };
  rig.route([old.port], { policy: { restsMs: 400, errorPages } });
  const began = performance.now();
  const waited = await ask(t, rig.port);
  t.true(performance.now() - began >= 399);
  t.regex(waited, /^HTTP\/1\.1 503 [^]*Retry-After: 5\r\n[^]*being started/);
  const at = performance.now();
  t.regex(await ask(t, rig.port, "Accept: text/html\r\n"), /503 [^]*<b>our own<\/b>$/);
  t.true(performance.now() - at < 300, "the bound is that of the rest, not of each request");
  t.is(old.received.length, 0);
  t.is(rig.router.counters("shop").refused, 2);
});

test("What is open when the app begins to rest may end, and is told until it has", async (t) => {
  const rig = await startRouter(t);
  let answer = (): void => undefined;
  const old = await startRawApp(t, (socket) => (answer = () => void socket.write(OK)));
  rig.route([old.port], { drainMs: 60_000 });
  const slow = await rawClient(t, rig.port, GET);
  await eventually(() => old.received[0]?.includes("\r\n\r\n") === true);
  rig.route([old.port], { drainMs: 60_000, policy: { restsMs: 10_000 } });
  t.like(rig.acks.at(-1), { type: "flipped", draining: 1 });
  t.deepEqual(rig.router.report().busy, { [`shop-${old.port}`]: 1 });
  answer();
  await slow.until(/200 OK[^]*ok$/);
  await eventually(() => Object.keys(rig.router.report().busy).length === 0);
});

test("What does not end by itself is cut after five seconds, however long a drain may be", async (t) => {
  const rig = await startRouter(t);
  const old = await startRawApp(t, () => {});
  rig.route([old.port], { drainMs: 60_000 });
  const stuck = await rawClient(t, rig.port, GET);
  await eventually(() => old.received.length === 1);
  const began = performance.now();
  rig.route([old.port], { drainMs: 60_000, policy: { restsMs: 20_000 } });
  t.regex(await stuck.end(), /^HTTP\/1\.1 504 /);
  const ms = performance.now() - began;
  t.true(ms > 4900 && ms < 7000, `${ms} ms`);
  t.deepEqual(rig.router.report().busy, {});
});

test("A client that leaves while it waits is waited for no more", async (t) => {
  const rig = await startRouter(t);
  const next = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([next.port]);
  rig.route([next.port], { policy: { restsMs: 10_000 } });
  const client = await rawClient(t, rig.port, GET);
  await eventually(() => rig.router.counters("shop").held === 1);
  client.socket.destroy();
  await eventually(() => client.closed());
  rig.route([next.port]);
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 200 OK/);
  t.is(next.received.length, 1);
});
