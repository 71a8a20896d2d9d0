import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import {
  ask,
  deadPort,
  eventually,
  HEAD,
  OK_CLOSE,
  rawClient,
  startRawApp,
  startRouter,
  type RouterRig,
} from "../../support/router-rig.ts";

const POST = `POST / HTTP/1.1\r\n${HEAD}Connection: close\r\nContent-Length: 5\r\n\r\nhello`;
const GET = `GET / HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`;

const targets = (rig: RouterRig) => rig.router.stats().apps["shop"]?.targets ?? [];
const isDown = (rig: RouterRig, port: number) =>
  targets(rig).find(({ id }) => id === `shop-${port}`)?.down;

/** An app at `port` that answers everything with 200. */
async function appAt(port: number): Promise<{ server: Server; connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on("error", () => undefined);
    socket.on("data", () => socket.end(OK_CLOSE));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return { server, connections: () => connections };
}

test("A target that takes no connection is passed over, asked again, and taken back after two answers", async (t) => {
  const rig = await startRouter(t);
  const dead = await deadPort();
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([dead, app.port]);
  for (let i = 0; i < 8; i++) t.regex(await ask(t, rig.port), / 200 /);
  t.true(isDown(rig, dead));
  t.false(isDown(rig, app.port));
  t.like(rig.router.stats().apps["shop"], { ejections: 1, counters: { lost: 0, refused: 0 } });

  const back = await appAt(dead);
  t.teardown(() => back.server.close());
  await eventually(() => isDown(rig, dead) === false);
  t.true(back.connections() >= 2, "two answers in a row");
  const before = back.connections();
  for (let i = 0; i < 4; i++) await ask(t, rig.port);
  t.is(back.connections(), before + 2);
});

test("A target that comes and goes is asked ever more seldom", async (t) => {
  const rig = await startRouter(t);
  const flapping = await deadPort();
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([flapping, app.port]);
  const took: number[] = [];
  for (let round = 0; round < 3; round++) {
    while (isDown(rig, flapping) === false) await ask(t, rig.port);
    const since = performance.now();
    const back = await appAt(flapping);
    await eventually(() => isDown(rig, flapping) === false);
    took.push(performance.now() - since);
    back.server.close();
    await once(back.server, "close");
  }
  const [first = 0, , third = 0] = took;
  t.true(third > 1.5 * first, `${took.map(Math.round).join(", ")} ms`);
  t.is(rig.router.counters("shop").lost, 0);
});

test("The last target is never left out: a request waits for it, and is answered once it is back", async (t) => {
  const rig = await startRouter(t);
  const port = await deadPort();
  rig.route([port]);
  const clients = await Promise.all([GET, POST, GET].map((text) => rawClient(t, rig.port, text)));
  await eventually(() => rig.router.stats().unreachable === 3);
  t.deepEqual(
    clients.map((client) => client.text()),
    ["", "", ""],
  );
  const app = await appAt(port);
  t.teardown(() => app.server.close());
  for (const client of clients) t.regex(await client.end(), /^HTTP\/1\.1 200 /);
  t.like(rig.router.counters("shop"), { served: { 1: 3 }, refused: 0, lost: 0 });
  t.is(rig.router.stats().apps["shop"]?.ejections, 0);
});

test("The waiting is bounded, then 503 with Retry-After; how long is the app's to say", async (t) => {
  const rig = await startRouter(t);
  const port = await deadPort();
  for (const holdMs of [0, 400]) {
    rig.route([port], { policy: { holdMs } });
    const since = performance.now();
    t.regex(await ask(t, rig.port), /^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n/);
    const took = performance.now() - since;
    t.true(took >= holdMs - 100 && took < holdMs + 1500, `${took} ms`);
  }
  t.is(rig.router.counters("shop").refused, 2);
});

test("A request that waits goes to the next route at once", async (t) => {
  const rig = await startRouter(t);
  rig.route([]);
  const client = await rawClient(t, rig.port, POST);
  await eventually(() => rig.router.stats().unreachable === 1);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port], { colour: "green", release: 2 });
  t.regex(await client.end(), / 200 /);
  t.true(app.received[0]?.endsWith("hello"));
});

test("A client that leaves while it waits is forgotten; too many at once are refused", async (t) => {
  const rig = await startRouter(t, { limits: { heldRequests: 2, holdMs: 60_000 } });
  const port = await deadPort();
  rig.route([port]);
  const gone = await rawClient(t, rig.port, POST);
  const other = await rawClient(t, rig.port, GET);
  await eventually(() => rig.router.stats().unreachable === 2);
  t.regex(await ask(t, rig.port), / 503 /);
  gone.socket.destroy();
  await once(gone.socket, "close");
  await sleep(100);
  // Nobody waits under this route.
  rig.route([port], { policy: { holdMs: 0 } });
  t.regex(await other.end(), / 503 /);
  await eventually(() => rig.router.stats().unreachable === 0);
  t.is(rig.router.counters("shop").refused, 2);
});

test("A GET whose instance dies under it is answered by another one, a POST is not sent twice", async (t) => {
  const rig = await startRouter(t);
  const dying = await startRawApp(t, (socket) => socket.resetAndDestroy());
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([dying.port, app.port]);
  for (let i = 0; i < 6; i++) t.regex(await ask(t, rig.port), / 200 /);
  t.true(rig.router.counters("shop").retried >= 2);
  const answers: string[] = [];
  for (let i = 0; i < 4; i++) answers.push(await (await rawClient(t, rig.port, POST)).end());
  t.is(answers.filter((text) => text.includes(" 502 ")).length, 2);
  t.is(dying.received.filter((text) => text.startsWith("POST")).length, 2);
  t.is(app.received.filter((text) => text.startsWith("POST")).length, 2);
});

test("An app that dies for good with two instances up loses no GET", async (t) => {
  const rig = await startRouter(t);
  const ports = [await deadPort(), await deadPort()] as const;
  const [one, other] = [await appAt(ports[0]), await appAt(ports[1])];
  t.teardown(() => other.server.close());
  rig.route([...ports]);
  let bad = 0;
  let asked = 0;
  const client = async () => {
    while (asked < 200) {
      if (++asked === 60) one.server.close();
      if (!/ 200 /.test(await ask(t, rig.port))) bad++;
    }
  };
  const clients = [client(), client(), client(), client()];
  await Promise.all(clients);
  t.is(bad, 0);
  t.true(isDown(rig, ports[0]));
});

test("A target that leaves its route while it is down is not asked any more", async (t) => {
  const rig = await startRouter(t);
  const dead = await deadPort();
  rig.route([dead], { policy: { holdMs: 0 } });
  t.regex(await ask(t, rig.port), / 503 /);
  t.true(isDown(rig, dead));
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const probe = createServer(() => t.fail("it was asked"));
  probe.listen(dead, "127.0.0.1");
  await sleep(500);
  probe.close();
  t.pass();
});

/** The router's cookie in an answer, with what stands behind its value. */
function cookieOf(text: string): { value: string; rest: string } | null {
  const [, value = "", rest = ""] = /set-cookie: teal_instance=([^;\r]*)(.*)\r\n/i.exec(text) ?? [];
  return value === "" ? null : { value, rest };
}

test("Sticky: a client stays with the instance that answered it first, as long as that is there", async (t) => {
  const rig = await startRouter(t);
  const apps = await Promise.all(
    [0, 1, 2].map((i) =>
      startRawApp(t, (socket) =>
        socket.end(
          `HTTP/1.1 200 OK\r\nX-App: ${i}\r\nSet-Cookie: own=1\r\nContent-Length: 0\r\n\r\n`,
        ),
      ),
    ),
  );
  const ports = apps.map((app) => app.port);
  rig.route(ports, { policy: { sticky: true } });
  const by = (text: string) => /X-App: (\d)/.exec(text)?.[1];
  for (let round = 0; round < 3; round++) {
    const first = await ask(t, rig.port, "Cookie: a=b\r\n");
    const cookie = cookieOf(first);
    t.regex(cookie?.value ?? "", /^[\w-]{16}$/);
    t.is(cookie?.rest, "; Path=/; HttpOnly; SameSite=Lax");
    t.notRegex(cookie?.value ?? "", /127|shop/);
    for (let i = 0; i < 4; i++) {
      const again = await ask(t, rig.port, `Cookie: x=y; teal_instance=${cookie?.value}; z=1\r\n`);
      t.is(by(again), by(first));
      t.is(cookieOf(again), null);
      t.regex(again, /Set-Cookie: own=1/);
    }
  }
});

test("Sticky falls away with the instance: down, gone from the route, or not what it was", async (t) => {
  const rig = await startRouter(t);
  const [one, other] = [
    await startRawApp(t, (socket) => socket.end(OK_CLOSE)),
    await startRawApp(t, (socket) => socket.end(OK_CLOSE)),
  ] as const;
  rig.route([one.port], { policy: { sticky: true } });
  const cookie = cookieOf(await ask(t, rig.port))?.value;
  rig.route([one.port, other.port], { policy: { sticky: true } });
  one.server.close();
  const moved = await ask(t, rig.port, `Cookie: teal_instance=${cookie}\r\n`);
  t.regex(moved, / 200 /);
  t.not(cookieOf(moved)?.value, cookie);
  t.truthy(cookieOf(moved));
  const invented = await ask(t, rig.port, "Cookie: teal_instance=AAAAAAAAAAAAAAAA\r\n");
  t.truthy(cookieOf(invented));

  // A swap: whatever the cookie says, the new release answers.
  const green = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([green.port], { policy: { sticky: true }, colour: "green", release: 2 });
  const fresh = cookieOf(
    await ask(t, rig.port, `Cookie: teal_instance=${cookieOf(moved)?.value}\r\n`),
  );
  t.truthy(fresh);
  t.is(green.received.length, 1);
  rig.route([green.port], { colour: "green", release: 3 });
  t.is(cookieOf(await ask(t, rig.port)), null, "only where it was asked for");
});

test("Sticky: every router process knows an instance by the same name", async (t) => {
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  const names = new Set<string | undefined>();
  for (let i = 0; i < 2; i++) {
    const rig = await startRouter(t);
    rig.route([app.port], { policy: { sticky: true } });
    names.add(cookieOf(await ask(t, rig.port))?.value);
  }
  t.is(names.size, 1);
});

test("A target that fails its checks is passed over while there are others, and for as long as that is said", async (t) => {
  const rig = await startRouter(t);
  const [one, two] = [
    await startRawApp(t, (socket) => socket.end(OK_CLOSE.replace("\r\n", "\r\nX-From: one\r\n"))),
    await startRawApp(t, (socket) => socket.end(OK_CLOSE.replace("\r\n", "\r\nX-From: two\r\n"))),
  ];
  rig.route([one.port, two.port]);
  const from = async () => {
    const all = new Set<string>();
    for (let i = 0; i < 8; i++)
      all.add(/X-From: (\w+)/.exec(await ask(t, rig.port))?.[1] ?? "nobody");
    return [...all].toSorted().join(" ");
  };
  const aside = (ports: number[], forMs = 60_000) =>
    rig.router.apply({ type: "aside", app: "shop", ids: ports.map((p) => `shop-${p}`), forMs });
  t.is(await from(), "one two");
  aside([one.port]);
  t.is(await from(), "two");
  rig.route([one.port, two.port]);
  t.is(await from(), "two", "another route does not change that");
  aside([one.port, two.port]);
  t.is(await from(), "one two", "never all");
  aside([]);
  t.is(await from(), "one two");
  aside([two.port], 300);
  t.is(await from(), "one");
  await sleep(700);
  t.is(await from(), "one two", "nobody has said it again");
});
