import test, { type ExecutionContext } from "ava";
import type { RoutePolicy } from "../../../router/contract.ts";
import { readyPolicy, takesHtml } from "../../../router/policy.ts";
import { readRequestHead, type RequestHead } from "../../../router/request-head.ts";
import {
  ask,
  deadPort,
  HEAD,
  OK,
  OK_CLOSE,
  rawClient,
  routeTo,
  startRawApp,
  startRouter,
} from "../../support/router-rig.ts";
import { startTlsRouter, tlsClient } from "../../support/tls-rig.ts";

const HTML = "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n";

/** A router in front of an app that answers `ok`, with a policy for it. */
async function ruled(t: ExecutionContext, policy: RoutePolicy, more = {}) {
  const app = await startRawApp(t, (socket) => void socket.write(OK_CLOSE));
  const rig = await startRouter(t, { ports: { https: 8443 } });
  rig.route([app.port], { policy, ...more });
  return { app, rig };
}

const bodyOf = (answer: string) => answer.slice(answer.indexOf("\r\n\r\n") + 4);

test("In maintenance everything is answered with 503 and when to come back, and the app sees nothing", async (t) => {
  const { app, rig } = await ruled(t, { maintenance: {} });
  const text = await ask(t, rig.port);
  t.regex(text, /^HTTP\/1\.1 503 [^]*Retry-After: 60\r\n[^]*Cache-Control: no-store/);
  t.regex(text, /text\/plain[^]*\r\n\r\nshop is in maintenance/);
  const page = await ask(t, rig.port, HTML);
  t.regex(page, /^HTTP\/1\.1 503 [^]*text\/html; charset=utf-8\r\n/);
  t.regex(bodyOf(page), /^<!doctype html>[^]*<h1>Back soon<\/h1>/);
  t.notRegex(bodyOf(page), /https?:|src=|href=|@import|url\(/, "nothing from elsewhere");
  t.is(Number(/Content-Length: (\d+)/.exec(page)?.[1]), bodyOf(page).length);
  const post = await rawClient(
    t,
    rig.port,
    `POST / HTTP/1.1\r\n${HEAD}Content-Length: 5\r\n\r\nhello`,
  );
  t.regex(await post.end(), /^HTTP\/1\.1 503 /);
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  const socket = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}${upgrade}\r\n`);
  t.regex(await socket.end(), /^HTTP\/1\.1 503 /);
  t.is(app.received.length, 0);
  t.like(rig.router.stats().apps["shop"], { turnedAway: 4 });
  t.like(rig.router.counters("shop"), { refused: 0, lost: 0, served: {} });
});

test("An app's own page is shown byte for byte, on a connection that is kept", async (t) => {
  const page = `<p>Gleich zurück – ${"x".repeat(30_000)} 👋</p>`;
  const { rig } = await ruled(t, { maintenance: { page } });
  const request = `GET / HTTP/1.1\r\n${HEAD}${HTML}\r\n`;
  const client = await rawClient(t, rig.port, request);
  await client.until(/<\/p>$/);
  t.is(Buffer.from(bodyOf(client.text()), "latin1").toString("utf8"), page);
  client.write(request.replace("GET", "HEAD"));
  await client.until(/<\/p>HTTP\/1\.1 503 [^]*\r\n\r\n$/);
  t.false(client.closed());
});

test("Maintenance ends with the next route, and a swap behind it goes on", async (t) => {
  const { app, rig } = await ruled(t, { maintenance: {} });
  rig.router.apply({ type: "prepare", app: "shop", swap: "s", holdMs: 5000 });
  const route = routeTo([app.port], { version: 2, release: 2, policy: { maintenance: {} } });
  rig.router.apply({ type: "route", swap: "s", route });
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 503 /);
  rig.route([app.port], { version: 3, release: 2 });
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 200 [^]*ok$/);
});

test("An app that was stopped is answered for by the router", async (t) => {
  const port = await deadPort();
  const rig = await startRouter(t);
  rig.route([port], { policy: { stopped: true } });
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 503 [^]*shop is stopped\.\n$/);
  t.regex(await ask(t, rig.port, HTML), /text\/html[^]*stopped by its people/);
});

test("The router's own 502, 503 and 504 have the app's pages, for who takes HTML", async (t) => {
  const errorPages = { "502": "<b>502 ü</b>", "503": "<b>503</b>", "504": "<b>504</b>" };
  const rig = await startRouter(t);
  const broken = await startRawApp(t, (socket) => void socket.end("nonsense"));
  rig.route([broken.port], { policy: { errorPages } });
  const page = await ask(t, rig.port, HTML);
  t.regex(page, /^HTTP\/1\.1 502 Bad Gateway\r\nContent-Type: text\/html/);
  t.is(Buffer.from(bodyOf(page), "latin1").toString("utf8"), "<b>502 ü</b>");
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 502 [^]*text\/plain[^]*not HTTP/);
  t.regex(await ask(t, rig.port, "Accept: text/html;q=0\r\n"), /text\/plain/);
  rig.route([await deadPort()], { policy: { errorPages } });
  t.regex(await ask(t, rig.port, HTML), /^HTTP\/1\.1 503 [^]*Retry-After: 1\r\n[^]*<b>503<\/b>$/);
  const silent = await startRawApp(t, () => undefined);
  rig.route([silent.port], { policy: { errorPages, headersMs: 100 } });
  t.regex(await ask(t, rig.port, HTML), /^HTTP\/1\.1 504 [^]*<b>504<\/b>$/);
  const own = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine";
  const app = await startRawApp(t, (socket) => void socket.write(own));
  rig.route([app.port], { policy: { errorPages } });
  t.regex(await ask(t, rig.port, HTML), /mine$/, "the app's own answers are its own");
});

test("A body that says it is too large is refused before the app sees the request", async (t) => {
  const { app, rig } = await ruled(t, { maxBodyBytes: 10 });
  const post = (length: number, more = "") =>
    `POST / HTTP/1.1\r\n${HEAD}${more}Content-Length: ${length}\r\n\r\n`;
  const large = await rawClient(t, rig.port, post(11, "Expect: 100-continue\r\n"));
  t.regex(await large.end(), /^HTTP\/1\.1 413 [^]*at most 10 bytes/);
  t.is(app.received.length, 0);
  const fits = await rawClient(t, rig.port, `${post(10)}0123456789`);
  t.regex(await fits.until(/ok$/), /^HTTP\/1\.1 200 /);
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 200 /);
});

test("A chunked body is cut where it becomes too large", async (t) => {
  const app = await startRawApp(t, () => undefined);
  const rig = await startRouter(t);
  rig.route([app.port], { policy: { maxBodyBytes: 10 } });
  const begin = `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
  const client = await rawClient(t, rig.port, `${begin}a\r\n0123456789\r\n`);
  await client.until(/^$/);
  client.write("1\r\nX\r\n0\r\n\r\n");
  t.regex(await client.end(), /^HTTP\/1\.1 413 [^]*at most 10 bytes/);
  t.notRegex(app.received.join(""), /X/);
  const eager = await startRawApp(t, (socket) => void socket.write(OK_CLOSE));
  rig.route([eager.port], { policy: { maxBodyBytes: 10 } });
  const fits = await rawClient(t, rig.port, `${begin}a\r\n0123456789\r\n0\r\n\r\n`);
  t.regex(await fits.until(/ok$/), /^HTTP\/1\.1 200 /);
});

test("An app that does not answer in time is answered for with 504; one that streams may go on", async (t) => {
  const rig = await startRouter(t);
  const silent = await startRawApp(t, () => undefined);
  rig.route([silent.port], { policy: { headersMs: 150 } });
  const since = performance.now();
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 504 [^]*did not answer in time/);
  t.true(performance.now() - since < 2000);
  t.like(rig.router.counters("shop"), { lost: 1 });
  const post = `POST / HTTP/1.1\r\n${HEAD}Content-Length: 2\r\n\r\n`;
  const slow = await rawClient(t, rig.port, `${post}h`);
  await new Promise((resolve) => setTimeout(resolve, 400));
  t.is(slow.text(), "", "an upload is the client's time");
  slow.write("i");
  t.regex(await slow.end(), /^HTTP\/1\.1 504 /);
  rig.route([silent.port], { policy: { responseMs: 150 } });
  t.regex(await ask(t, rig.port), /^HTTP\/1\.1 504 /);

  const head = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
  const half = await startRawApp(t, (socket) => void socket.write(head));
  rig.route([half.port], { policy: { responseMs: 150 } });
  t.regex(await ask(t, rig.port), /half$/, "what has begun can only be cut");
  rig.route([half.port], { policy: { headersMs: 150 } });
  const waiting = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  const events = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n";
  const stream = await startRawApp(t, (socket) => void socket.write(events));
  rig.route([stream.port], { policy: { responseMs: 150, headersMs: 150 } });
  const listener = await rawClient(t, rig.port, `GET / HTTP/1.1\r\n${HEAD}\r\n`);
  await new Promise((resolve) => setTimeout(resolve, 600));
  t.false(listener.closed());
  t.false(waiting.closed(), "the time to the head is no time for the body");
});

test("A request after a slow one has all of its own time", async (t) => {
  const app = await startRawApp(t, (socket) => {
    const answer = () => socket.write(OK);
    setTimeout(answer, 200);
    socket.on("data", () => setTimeout(answer, 200));
  });
  const rig = await startRouter(t);
  rig.route([app.port], { policy: { responseMs: 800, headersMs: 700 } });
  const request = `GET / HTTP/1.1\r\n${HEAD}\r\n`;
  const client = await rawClient(t, rig.port, request);
  for (let i = 1; i <= 5; i++) {
    await client.until(new RegExp(`^(?:[^]*?200 OK[^]*?ok){${i}}$`));
    client.write(request);
  }
  t.notRegex(client.text(), /504/);
});

const headOf = (text: string) => readRequestHead(Buffer.from(text, "latin1")) as RequestHead;
const get = (host: string, path = "/", method = "GET") =>
  headOf(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);

test("http is sent to https, other hosts to the canonical one, in one step", async (t) => {
  const hosts = ["shop.test", "www.shop.test"];
  const ports = { https: 8443 };
  const both = readyPolicy(
    routeTo([1], { hosts, policy: { httpsRedirect: true, canonicalHost: "shop.test" } }),
    ports,
  );
  const where = (head: RequestHead, secure: boolean, policy = both) => {
    const away = policy?.turnAway(head, secure);
    return away ? `${away.status} ${/Location: (.*)\r\n/.exec(away.fields ?? "")?.[1]}` : null;
  };
  t.is(where(get("shop.test", "/a?b=1&c=%2F"), false), "301 https://shop.test/a?b=1&c=%2F");
  t.is(where(get("shop.test:8080"), false), "301 https://shop.test:8443/");
  t.is(where(get("SHOP.test.:8080", "/x", "POST"), false), "308 https://shop.test:8443/x");
  t.is(where(get("www.shop.test:8080"), false), "301 https://shop.test:8443/");
  t.is(where(get("www.shop.test:8443"), true), "301 https://shop.test:8443/");
  t.is(where(get("www.shop.test"), true), "301 https://shop.test/");
  t.is(where(get("shop.test"), true), null);
  t.is(
    where(get("www.shop.test", "//evil.example/%5c"), true),
    "301 https://shop.test//evil.example/%5c",
  );
  t.is(where(headOf("OPTIONS * HTTP/1.1\r\nHost: www.shop.test\r\n\r\n"), false), null);
  const canonical = readyPolicy(
    routeTo([1], { hosts, policy: { canonicalHost: "www.shop.test" } }),
    ports,
  );
  t.is(where(get("shop.test:81"), false, canonical), "301 http://www.shop.test:81/");
  const at443 = readyPolicy(routeTo([1], { policy: { httpsRedirect: true } }), { https: 443 });
  t.is(where(get("shop.test:80"), false, at443), "301 https://shop.test/");

  const { app, rig } = await ruled(t, { canonicalHost: "shop.test" }, { hosts });
  const client = await rawClient(t, rig.port, "HEAD /a HTTP/1.1\r\nHost: www.shop.test\r\n\r\n");
  await client.until(/^HTTP\/1\.1 301 [^]*Location: http:\/\/shop\.test\/a\r\n[^]*\r\n\r\n$/);
  t.is(app.received.length, 0);
  t.regex(await ask(t, rig.port), /ok$/);
  const foreign = "GET / HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: shop.test\r\n\r\n";
  const other = await rawClient(t, rig.port, foreign);
  t.regex(await other.until(/evil/), /^HTTP\/1\.1 404 (?![^]*Location)/);
});

test("Over TLS nobody is sent to https, and from http everybody is, behind a proxy by its word", async (t) => {
  const rig = await startTlsRouter(t, {
    ports: { https: 8443 },
    trustedProxies: [{ address: "127.0.0.0", prefix: 8 }],
  });
  const app = await startRawApp(t, (socket) => void socket.write(OK_CLOSE));
  rig.route([app.port], { policy: { httpsRedirect: true } });
  const text = `GET /a?b HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`;
  await (await tlsClient(t, rig, { text })).until(/200 OK[^]*ok$/);
  const plain = await ask(t, rig.port, "", "/a?b");
  t.regex(plain, /^HTTP\/1\.1 301 [^]*Location: https:\/\/shop\.test\/a\?b\r\n/);
  t.regex(await ask(t, rig.port, "X-Forwarded-Proto: https\r\n"), /200 OK[^]*ok$/);
  t.is(app.received.length, 2);
});

test("who takes HTML says so", (t) => {
  const takes = ["accept: text/html\r\n", "a: b\r\naccept: x/y, TEXT/HTML;level=1\r\n"];
  for (const fields of takes) t.true(takesHtml(fields), fields);
  const not = [
    "",
    "accept: */*\r\n",
    "accept: text/html;q=0\r\n",
    "accept: text/html; q=0.0, a/b\r\n",
  ];
  for (const fields of [...not, "x: text/html\r\n", "accept: text/htmlx\r\n"]) {
    t.false(takesHtml(fields), fields);
  }
});
