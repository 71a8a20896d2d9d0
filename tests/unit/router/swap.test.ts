import { createServer } from "node:http";
import test, { type ExecutionContext } from "ava";
import type { Route } from "../../../router/contract.ts";
import {
  ask,
  deadPort,
  eventually,
  HEAD,
  listen,
  OK_CLOSE,
  rawClient,
  routeTo,
  startRawApp,
  startRouter,
} from "../../support/router-rig.ts";

async function startApp(t: ExecutionContext, says: string): Promise<number> {
  const app = createServer((_req, res) => res.end(says));
  const port = await listen(app);
  t.teardown(() => {
    app.closeAllConnections();
    app.close();
  });
  return port;
}

const prepare = (swap: string, holdMs = 5000) => ({
  type: "prepare" as const,
  app: "shop",
  swap,
  holdMs,
});

test("Between prepare and commit new requests wait, and then go to the new colour", async (t) => {
  const rig = await startRouter(t);
  const [blue, green] = [await startApp(t, "blue"), await startApp(t, "green")];
  rig.route([blue]);
  // Used before the swap, so that the hold is seen to reach kept connections.
  const kept = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await kept.until(/blue$/);
  rig.router.apply(prepare("s1"));
  t.deepEqual(rig.acks.at(-1), { type: "held", router: "r1", app: "shop", swap: "s1" });
  kept.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
  const fresh = await rawClient(
    t,
    rig.port,
    `POST / HTTP/1.1\r\n${HEAD}Content-Length: 2\r\n\r\nhi`,
  );
  await eventually(() => rig.router.stats().waiting === 2);
  t.true(kept.text().endsWith("blue"));
  rig.router.apply({
    type: "route",
    swap: "s1",
    route: routeTo([green], { version: 2, release: 2, colour: "green" }),
  });
  await kept.until(/green$/);
  await fresh.until(/green$/);
  const ack = rig.acks.at(-1);
  t.like(ack, {
    type: "flipped",
    router: "r1",
    app: "shop",
    version: 2,
    swap: "s1",
    heldRequests: 2,
    draining: 0,
  });
  t.true(ack?.type === "flipped" && ack.holdMs > 0);
  const waits = ack?.type === "flipped" ? (ack.waits ?? []) : [];
  t.is(waits.length, 2);
  t.true(
    waits.every((ms) => ms > 0 && ms <= 1000),
    String(waits),
  );
  t.like(rig.router.counters("shop"), {
    served: { 1: 1, 2: 2 },
    held: 2,
    retried: 0,
    refused: 0,
    lost: 0,
  });
});

test("A hold of an app that has no route yet is answered, and another app does not wait", async (t) => {
  const rig = await startRouter(t);
  rig.route([await startApp(t, "mine")]);
  rig.router.apply({ type: "prepare", app: "new", swap: "s1", holdMs: 5000 });
  t.deepEqual(rig.acks.at(-1), { type: "held", router: "r1", app: "new", swap: "s1" });
  t.regex(await ask(t, rig.port), /mine$/);
});

test("A swap that is called off lets the held go to the colour that was", async (t) => {
  const rig = await startRouter(t);
  rig.route([await startApp(t, "blue")]);
  rig.router.apply(prepare("s2"));
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => rig.router.stats().waiting === 1);
  rig.router.apply({ type: "unhold", app: "shop", swap: "s1" });
  t.is(rig.router.stats().waiting, 1);
  rig.router.apply({ type: "unhold", app: "shop", swap: "s2" });
  await client.until(/blue$/);
});

test("A hold that runs out asks the store before it lets anyone go", async (t) => {
  let stored: Route | null = null;
  const rig = await startRouter(t, { reread: () => Promise.resolve(stored) });
  const [blue, green] = [await startApp(t, "blue"), await startApp(t, "green")];
  rig.route([blue]);
  rig.router.apply(prepare("s1", 20));
  t.regex(await ask(t, rig.port), /blue$/);
  stored = routeTo([green], { version: 2, release: 2 });
  rig.router.apply(prepare("s2", 20));
  t.regex(await ask(t, rig.port), /green$/);
  t.like(rig.acks.at(-1), { type: "flipped", version: 2, swap: "s2" });
});

test("A hold that runs out while the store is gone lets all go to the route that is known", async (t) => {
  const rig = await startRouter(t, { reread: () => Promise.reject(new Error("down")) });
  rig.route([await startApp(t, "blue")]);
  rig.router.apply(prepare("s1", 20));
  t.regex(await ask(t, rig.port), /blue$/);
  t.false(rig.router.stats().apps["shop"]?.holding);
});

test("A newer prepare takes over those who wait for an older one", async (t) => {
  const rig = await startRouter(t);
  const [blue, green] = [await startApp(t, "blue"), await startApp(t, "green")];
  rig.route([blue]);
  rig.router.apply(prepare("s1"));
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => rig.router.stats().waiting === 1);
  rig.router.apply(prepare("s2"));
  t.is(rig.router.stats().waiting, 1);
  t.is(client.text(), "");
  rig.router.apply({ type: "route", swap: "s2", route: routeTo([green], { version: 2 }) });
  await client.until(/green$/);
});

test("Too many waiting requests are refused, not kept", async (t) => {
  const rig = await startRouter(t, { limits: { heldRequests: 3 } });
  rig.route([await startApp(t, "blue")]);
  rig.router.apply(prepare("s1"));
  const get = `GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`;
  const clients = await Promise.all(Array.from({ length: 5 }, () => rawClient(t, rig.port, get)));
  await eventually(() => clients.filter((client) => client.text().includes(" 503 ")).length === 2);
  rig.router.apply({ type: "unhold", app: "shop", swap: "s1" });
  const texts = await Promise.all(clients.map((client) => client.end()));
  t.is(texts.filter((text) => text.endsWith("blue")).length, 3);
  t.is(rig.router.counters("shop").refused, 2);
});

test("A client that leaves while it waits never reaches the app", async (t) => {
  const rig = await startRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  rig.router.apply(prepare("s1"));
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => rig.router.stats().waiting === 1);
  client.socket.destroy();
  await eventually(() => rig.router.stats().connections === 0);
  rig.router.apply({ type: "unhold", app: "shop", swap: "s1" });
  t.regex(await ask(t, rig.port), /200 OK/);
  t.is(app.received.length, 1);
});

test("An older or equal version changes nothing; an equal one is acknowledged again", async (t) => {
  const rig = await startRouter(t);
  const [blue, green] = [await startApp(t, "blue"), await startApp(t, "green")];
  rig.route([green], { version: 5 });
  const acks = rig.acks.length;
  rig.route([blue], { version: 4 });
  t.is(rig.acks.length, acks);
  rig.route([blue], { version: 5 });
  t.like(rig.acks.at(-1), { type: "flipped", version: 5, holdMs: 0, heldRequests: 0 });
  t.regex(await ask(t, rig.port), /green$/);
  rig.router.apply({ type: "gone", app: "shop", version: 4 });
  t.regex(await ask(t, rig.port), /green$/);
  rig.router.apply({ type: "gone", app: "shop", version: 6 });
  rig.route([blue], { version: 6 });
  t.regex(await ask(t, rig.port), /404/);
  t.deepEqual(rig.router.report().acks, { shop: 6 });
  rig.route([blue], { version: 7 });
  t.regex(await ask(t, rig.port), /blue$/);
});

test("Held requests of an app that goes are answered 404", async (t) => {
  const rig = await startRouter(t);
  rig.route([await startApp(t, "blue")]);
  rig.router.apply(prepare("s1"));
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
  await eventually(() => rig.router.stats().waiting === 1);
  rig.router.apply({ type: "gone", app: "shop", version: 9 });
  t.regex(await client.end(), /^HTTP\/1\.1 404 /);
});

test("A request that is sent a second time goes through the gate again", async (t) => {
  const rig = await startRouter(t);
  let reset = (): void => undefined;
  const blue = await startRawApp(t, (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nblue");
    reset = () => void socket.resetAndDestroy();
  });
  const green = await startApp(t, "green");
  rig.route([blue.port]);
  t.regex(await ask(t, rig.port), /blue$/);
  const client = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => blue.received[0]?.split("GET ").length === 3);
  rig.router.apply(prepare("s1"));
  reset();
  await eventually(() => rig.router.stats().waiting === 1);
  rig.router.apply({
    type: "route",
    swap: "s1",
    route: routeTo([green], { version: 2, release: 2 }),
  });
  await client.until(/green$/);
  t.deepEqual(rig.router.counters("shop").served, { 1: 1, 2: 1 });
});

test("Counters are told when they are asked for, those of each release too", async (t) => {
  const rig = await startRouter(t);
  rig.route([await startApp(t, "blue")], { release: 7 });
  await ask(t, rig.port);
  rig.router.apply({ type: "count", app: "shop", id: "q1" });
  const ack = rig.acks.at(-1);
  t.like(ack, { type: "count", router: "r1", app: "shop", id: "q1" });
  const counters = ack?.type === "count" ? ack.counters : null;
  t.like(counters, { served: { 7: 1 }, held: 0, retried: 0, refused: 0, lost: 0 });
  t.like(counters?.releases[7], {
    ...{ colour: "blue", byClass: [0, 0, 1, 0, 0, 0], cut: 0, streams: 0 },
    own: { 502: 0, 503: 0, 504: 0 },
  });
  t.is(sumOf(counters?.releases[7]?.buckets), 1);
});

test("What the router answers in an app's stead counts against the release that was live", async (t) => {
  const rig = await startRouter(t);
  rig.route([await startApp(t, "blue")], { release: 1 });
  await ask(t, rig.port);
  rig.route([await deadPort()], { release: 2, colour: "green" });
  for (let i = 0; i < 3; i++) t.regex(await ask(t, rig.port), /^HTTP\/1.1 503 /);
  const { releases } = rig.router.counters("shop");
  t.like(releases[1], { byClass: [0, 0, 1, 0, 0, 0], own: { 502: 0, 503: 0, 504: 0 } });
  t.like(releases[2], { byClass: [0, 0, 0, 0, 0, 3], own: { 502: 0, 503: 3, 504: 0 } });
});

test("Only the newest releases are told apart, and a colour's sums do not shrink", async (t) => {
  const rig = await startRouter(t);
  const port = await startApp(t, "mine");
  for (let release = 1; release <= 12; release++) {
    rig.route([port], { release, colour: release % 2 === 1 ? "blue" : "green" });
    await ask(t, rig.port);
  }
  t.deepEqual(Object.keys(rig.router.counters("shop").releases), "5 6 7 8 9 10 11 12".split(" "));
  const { tallies } = rig.router.stats().apps["shop"] ?? {};
  t.is(tallies?.blue.byClass[2], 6);
  t.is(tallies?.green.byClass[2], 6);
});

function sumOf(counts: number[] = []): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
