import { setTimeout as sleep } from "node:timers/promises";
import type { Socket } from "node:net";
import test, { type ExecutionContext } from "ava";
import { isAsset } from "../../../router/fallback.ts";
import { readRequestHead, type RequestHead } from "../../../router/request-head.ts";
import {
  ask,
  deadPort,
  eventually,
  HEAD,
  rawClient,
  startRawApp,
  startRouter,
} from "../../support/router-rig.ts";

const ASSET = "/assets/app-5f2e3c1d.js";
const answer = (status: string, body: string, fields = "") =>
  `HTTP/1.1 ${status}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
const GONE = answer("404 Not Found", "the app's own 404", "X-App: new\r\n");

type Talk = (socket: Socket, head: string) => void;
const say = (text: string): Talk => {
  return (socket) => {
    socket.write(text);
    socket.on("data", () => void socket.write(text));
  };
};

/** A live release and a standby, each saying its own. */
async function world(t: ExecutionContext, live: Talk, standby: Talk | number, limits = {}) {
  const rig = await startRouter(t, { limits });
  const now = await startRawApp(t, live);
  const before = typeof standby === "number" ? null : await startRawApp(t, standby);
  const port = before?.port ?? (standby as number);
  rig.route([now.port], { release: 2, colour: "green" });
  const targets = [{ id: `shop-${port}`, host: "127.0.0.1", port }];
  const told = { colour: "blue", release: 1, targets } as const;
  rig.router.apply({ type: "idle", idle: { app: "shop", version: 1, standby: told } });
  return { rig, now, before, told };
}

test("An asset that the live release has not comes from the standby, and counts there", async (t) => {
  const { rig, now, before } = await world(t, say(GONE), say(answer("200 OK", "old asset")));
  const client = await rawClient(t, rig.port, `GET ${ASSET} HTTP/1.1\r\n${HEAD}\r\n`);
  t.regex(await client.until(/old asset$/), /^HTTP\/1\.1 200 OK\r\n(?![^]*X-App)/);
  const idOf = (text = "") => /x-request-id: (\S+)/.exec(text)?.[1];
  t.is(idOf(before?.received[0]), idOf(now.received[0]), "it is the same request");
  client.write(`GET / HTTP/1.1\r\n${HEAD}\r\n`);
  t.regex(await client.until(/own 404$/), /old assetHTTP\/1\.1 404 Not Found\r\nX-App: new/);
  t.is(before?.received.length, 1, "only assets are asked for");
  const shop = rig.router.stats().apps["shop"];
  t.like(shop, { idleAnswers: 1, counters: { served: { 2: 1 }, lost: 0 } });
  t.is(shop?.targets[0]?.open, 0);
});

test("What the standby has neither is the live release's own 404, whole and on a kept connection", async (t) => {
  const long = answer("404 Not Found", "x".repeat(300_000), "X-App: new\r\n");
  const rest = long.slice(100_000);
  const { rig } = await world(
    t,
    (socket) => {
      socket.write(long.slice(0, 100_000));
      setTimeout(() => socket.write(rest), 100);
    },
    say(answer("404 Not Found", "old 404")),
  );
  const client = await rawClient(t, rig.port, `GET ${ASSET} HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => client.text().endsWith("x".repeat(300_000)));
  const text = client.text().slice(0, 200);
  t.regex(text, /^HTTP\/1\.1 404 Not Found\r\nX-App: new\r\n/);
  t.false(text.includes("old 404"));
  t.like(rig.router.counters("shop"), { served: { 2: 1 }, lost: 0 });
  t.false(client.closed());
});

test("A standby that is dead, silent, broken or moved costs a moment, and no 404", async (t) => {
  const dead = await deadPort();
  const bad: (Talk | number)[] = [
    dead,
    () => undefined,
    (socket) => void socket.end("nonsense"),
    (socket) => void socket.destroy(),
    say(answer("302 Found", "", "Location: /\r\n")),
    say(answer("500 Oops", "oops")),
    say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"),
  ];
  for (const standby of bad) {
    const { rig } = await world(t, say(GONE), standby);
    const since = performance.now();
    t.regex(
      await ask(t, rig.port, "", ASSET),
      /^HTTP\/1\.1 404 Not Found\r\nX-App: new[^]*own 404$/,
    );
    t.true(performance.now() - since < 4000);
    t.like(rig.router.counters("shop"), { served: { 2: 1 }, lost: 0 });
  }
});

test("A 404 whose connection ends meanwhile is whole all the same", async (t) => {
  const slow: Talk = (socket) =>
    void setTimeout(() => socket.write(answer("404 Not Found", "no")), 200);
  const ends: Talk = (socket) =>
    void socket.end("HTTP/1.1 404 Not Found\r\nX-App: new\r\n\r\ntill the end");
  const { rig } = await world(t, ends, slow);
  t.regex(await ask(t, rig.port, "", ASSET), /^HTTP\/1\.1 404 [^]*X-App: new[^]*till the end/);
  const cut: Talk = (socket) => {
    socket.write("HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nhalf");
    setTimeout(() => socket.resetAndDestroy(), 50);
  };
  const second = await world(t, cut, slow);
  t.regex(await ask(t, second.rig.port, "", ASSET), /half$/);
  t.like(second.rig.router.counters("shop"), { lost: 1 });
});

test("A client that leaves takes both requests with it", async (t) => {
  const ended: string[] = [];
  const { rig, before } = await world(
    t,
    (socket) => void socket.write(GONE),
    (socket) => void socket.on("close", () => ended.push("standby")),
  );
  const client = await rawClient(t, rig.port, `GET ${ASSET} HTTP/1.1\r\n${HEAD}\r\n`);
  await eventually(() => before?.received.length === 1);
  client.socket.destroy();
  await eventually(() => ended.length === 1);
  t.is(rig.router.stats().apps["shop"]?.targets[0]?.open, 0);
});

test("Not when the app says no, not after a while, not at the idle address, not without a standby", async (t) => {
  const { rig, before, told, now } = await world(t, say(GONE), say(answer("200 OK", "old")), {
    assetsMs: 300,
  });
  t.regex(await ask(t, rig.port, "", ASSET), /old$/);
  rig.route([now.port], { version: 2, release: 2, policy: { assetFallback: false } });
  t.regex(await ask(t, rig.port, "", ASSET), /own 404$/);
  rig.route([now.port], { version: 3, release: 2 });
  await sleep(350);
  t.regex(await ask(t, rig.port, "", ASSET), /own 404$/);
  // Told again, but of nothing new: the time goes on.
  rig.router.apply({ type: "idle", idle: { app: "shop", version: 2, standby: told } });
  t.regex(await ask(t, rig.port, "", ASSET), /own 404$/);
  rig.router.apply({
    type: "idle",
    idle: { app: "shop", version: 3, standby: { ...told, release: 3 } },
  });
  t.regex(await ask(t, rig.port, "", ASSET), /old$/);
  rig.router.apply({ type: "idle", idle: { app: "shop", version: 4, held: told } });
  t.regex(await ask(t, rig.port, "", ASSET), /own 404$/, "nobody is shown what is held");
  rig.router.apply({ type: "idle", idle: { app: "shop", version: 5 } });
  t.regex(await ask(t, rig.port, "", ASSET), /own 404$/);
  t.is(before?.received.length, 2);
});

test("Assets are what a build tool named after what is in them", (t) => {
  const asset = (path: string, method = "GET") => {
    const text = `${method} ${path} HTTP/1.1\r\nHost: a.b\r\n\r\n`;
    return isAsset(readRequestHead(Buffer.from(text, "latin1")) as RequestHead);
  };
  for (const path of [
    "/app-5f2e3c1d.js",
    "/assets/application-" + "a1".repeat(32) + ".css",
    "/static/base.27e20196a850.css?v=1",
    "/assets/index-BxK3f9aZ.js",
    "/_next/static/chunks/main-3f2a91c0d4e5.js",
    "/main.3f2a91c0.chunk.js",
    "/fonts/inter-0123456789abcdef.woff2",
    "/app-5f2e3c1d.js.map",
  ]) {
    t.true(asset(path), path);
    t.false(asset(path, "HEAD"), "HEAD");
    t.false(asset(path, "POST"), "POST");
  }
  for (const path of [
    "/",
    "/app.js",
    "/users-5f2e3c1d",
    "/report-5f2e3c1d.pdf",
    "/my-standard.js",
    "/a?x=/app-5f2e3c1d.js",
    "/app-5f2e3c1.js",
    "/app-5f2e3c1d.js/x",
    `/${"-a".repeat(15_000)}`,
    `/${"-".repeat(100)}`,
  ]) {
    t.false(asset(path), path);
  }
});
