import { createServer } from "node:http";
import { once } from "node:events";
import test from "ava";
import { WebSocket, WebSocketServer } from "ws";
import { createIssuer } from "../../support/certificates.ts";
import { ask, HEAD, listen, OK_CLOSE, startRawApp, type RawApp } from "../../support/router-rig.ts";
import { kept, startTlsRouter, tlsClient } from "../../support/tls-rig.ts";

const GET = `GET / HTTP/1.1\r\n${HEAD}\r\n`;
const heads = (app: RawApp) => app.received.join("");

test("An app hears of https, and the router serves TLS 1.2 and 1.3 with the host's certificate", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
    const client = await tlsClient(t, rig, { text: GET, minVersion: version, maxVersion: version });
    await client.until(/200 OK[^]*ok$/);
    t.is(client.socket.getProtocol(), version);
    t.is(client.socket.getPeerCertificate().subjectaltname, "DNS:shop.test");
  }
  t.regex(heads(app), /\r\nx-forwarded-proto: https\r\n/);
  t.regex(heads(app), /\r\nx-forwarded-port: 443\r\n/);
  t.regex(heads(app), /\r\nforwarded: for=127\.0\.0\.1;proto=https;host="shop\.test"\r\n/);
});

test("The port of the Host field is told on", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const text = "GET https://shop.test:8443/a HTTP/1.1\r\nHost: shop.test:8443\r\n\r\n";
  await (await tlsClient(t, rig, { text })).until(/200 OK/);
  t.regex(heads(app), /^GET \/a HTTP/);
  t.regex(heads(app), /\r\nx-forwarded-port: 8443\r\n/);
});

test("http/1.1 is agreed on with those who ask for it", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const client = await tlsClient(t, rig, { ALPNProtocols: ["http/1.1"], text: GET });
  await client.until(/200 OK/);
  t.is(client.socket.alpnProtocol, "http/1.1");
});

for (const version of ["TLSv1", "TLSv1.1"] as const) {
  test(`${version} is refused`, async (t) => {
    const rig = await startTlsRouter(t);
    rig.route([1]);
    const old = {
      minVersion: version,
      maxVersion: version,
      ciphers: "DEFAULT@SECLEVEL=0",
    } as const;
    await t.throwsAsync(tlsClient(t, rig, old));
  });
}

test("Large bodies pass both ways", async (t) => {
  const rig = await startTlsRouter(t);
  const app = createServer((req, res) => void req.pipe(res));
  rig.route([await listen(app)]);
  t.teardown(() => app.close());
  const body = "x".repeat(3_000_000);
  const post = `POST / HTTP/1.1\r\n${HEAD}Content-Length: ${body.length}\r\n\r\n`;
  const client = await tlsClient(t, rig, { text: post + body });
  await client.until(/^HTTP\/1\.1 200 OK[^]*x\r\n0\r\n\r\n$/);
  t.is(client.text().split("x").length - 1, body.length);
});

test("WebSockets pass", async (t) => {
  const rig = await startTlsRouter(t);
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  t.teardown(() => server.close());
  server.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  await once(server, "listening");
  rig.route([(server.address() as { port: number }).port]);
  const url = `wss://shop.test:${rig.tlsPort}/`;
  const socket = new WebSocket(url, { ca: rig.issuer.cert, lookup: loopback });
  await once(socket, "open");
  socket.send("hello");
  const [answer] = (await once(socket, "message")) as [Buffer];
  t.is(String(answer), "hello");
  socket.close();
});

test("Two apps have a certificate each; a wildcard serves what has none of its own", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port], { hosts: ["shop.test", "www.shop.test"] });
  rig.route([app.port], { app: "blog", version: 1, hosts: ["blog.test"] });
  const { issuer } = rig;
  const wildcard = kept(await issuer.issue(["*.shop.test"]), ["*.shop.test"]);
  const blog = kept(await issuer.issue(["blog.test"]), ["blog.test"], { app: "blog" });
  rig.router.setCertificates([...rig.certificates, wildcard, blog]);
  for (const [servername, shown] of [
    ["shop.test", "DNS:shop.test"],
    ["www.shop.test", "DNS:*.shop.test"],
    ["blog.test", "DNS:blog.test"],
  ] as const) {
    const text = `GET / HTTP/1.1\r\nHost: ${servername}\r\n\r\n`;
    const client = await tlsClient(t, rig, { servername, text });
    await client.until(/200 OK/);
    t.is(client.socket.getPeerCertificate().subjectaltname, shown);
  }
});

test("A certificate of another app is not served, though it has the name", async (t) => {
  const rig = await startTlsRouter(t);
  rig.route([1]);
  const own = rig.certificates.map((one) => ({ ...one, app: "blog" }));
  rig.router.setCertificates(own);
  await t.throwsAsync(tlsClient(t, rig), { message: /unrecognized name/ });
});

test("One that has run out is served only while there is no other", async (t) => {
  const rig = await startTlsRouter(t);
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const [good] = rig.certificates;
  const old = kept(await rig.issuer.issue(["shop.test"]), ["shop.test"], { notAfter: 1000 });
  const shown = async () => {
    const client = await tlsClient(t, rig, { text: GET });
    await client.until(/200 OK/);
    return client.socket.getPeerX509Certificate()?.serialNumber;
  };
  const first = await shown();
  rig.router.setCertificates([old, { ...(good as typeof old), source: "acme" }]);
  t.is(await shown(), first);
  rig.router.setCertificates([old]);
  t.not(await shown(), first);
});

test("Under requests all the while, a certificate is exchanged: nothing breaks, the next connection has the new one", async (t) => {
  const rig = await startTlsRouter(t);
  const app = createServer((_req, res) => setTimeout(() => res.end("ok"), 2));
  rig.route([await listen(app)]);
  t.teardown(() => app.close());
  const client = await tlsClient(t, rig, { text: GET });
  let cut = 0;
  let made = 0;
  let going = true;
  const loops = Array.from({ length: 4 }, async () => {
    while (going) {
      const each = await tlsClient(t, rig);
      each.socket.on("error", () => cut++);
      for (let i = 1; i <= 3; i++) {
        each.write(GET);
        await each.until(new RegExp(`^([^]*?200 OK[^]*?ok){${i}}$`));
      }
      made++;
      each.socket.end();
    }
  });
  for (let i = 0; i < 10; i++) {
    const next = kept(await rig.issuer.issue(["shop.test"]), ["shop.test"]);
    rig.router.setCertificates([next]);
    client.write(GET);
    await client.until(new RegExp(`^([^]*?200 OK){${i + 2}}`));
  }
  going = false;
  await Promise.all(loops);
  t.is(cut, 0);
  t.true(made > 4);
  t.false(client.closed());
  const { serialNumber: before } = client.socket.getPeerX509Certificate() ?? {};
  const after = (await tlsClient(t, rig)).socket.getPeerX509Certificate()?.serialNumber;
  t.not(before, after);
  t.is(rig.router.counters("shop").lost, 0);
});

test("A key that cannot be opened is told, and only its host goes without TLS", async (t) => {
  const told: string[] = [];
  const other = await createIssuer();
  const rig = await startTlsRouter(t, {
    tls: { failed: ({ names }, error) => told.push(`${names.join()} ${error.message}`) },
  });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port], { hosts: ["shop.test", "bad.test"] });
  const bad = kept({ cert: other.cert, key: "no key" }, ["bad.test"]);
  rig.router.setCertificates([...rig.certificates, bad]);
  await t.throwsAsync(tlsClient(t, rig, { servername: "bad.test" }), { message: /unrecognized/ });
  t.is(told.length, 1);
  await (await tlsClient(t, rig, { text: GET })).until(/200 OK/);
});

test("A router that closes lets a TLS request end and refuses the next connection", async (t) => {
  const rig = await startTlsRouter(t);
  const app = createServer((_req, res) => setTimeout(() => res.end("fine"), 200));
  rig.route([await listen(app)]);
  t.teardown(() => app.close());
  const client = await tlsClient(t, rig, { text: GET });
  await new Promise((resolve) => setTimeout(resolve, 50));
  const closed = rig.router.close(3000);
  t.regex(await client.end(), /200 OK[^]*Connection: close[^]*fine/);
  await closed;
  await t.throwsAsync(tlsClient(t, rig), { code: "ECONNREFUSED" });
});

function loopback(
  _host: string,
  options: { all?: boolean },
  done: (error: null, address: never, family?: number) => void,
): void {
  const address = { address: "127.0.0.1", family: 4 };
  done(null, (options.all ? [address] : address.address) as never, 4);
}

test("Strict-Transport-Security comes with answers and redirects by https, and not twice", async (t) => {
  const rig = await startTlsRouter(t);
  const own =
    "HTTP/1.1 200 OK\r\nstrict-transport-security: max-age=1\r\nContent-Length: 2\r\n\r\nok";
  const app = await startRawApp(t, (socket, head) => {
    socket.end(head.startsWith("GET /own") ? own : OK_CLOSE);
  });
  const policy = { hstsSeconds: 31_536_000 };
  const said = /\r\nstrict-transport-security: max-age=(\d+)\r\n/gi;
  const values = (text: string) => [...text.matchAll(said)].map(([, seconds]) => seconds);
  rig.route([app.port], { policy });
  t.deepEqual(values(await (await tlsClient(t, rig, { text: GET })).until(/ok$/)), ["31536000"]);
  const path = GET.replace("/ ", "/own ");
  t.deepEqual(values(await (await tlsClient(t, rig, { text: path })).until(/ok$/)), ["1"]);
  t.deepEqual(values(await ask(t, rig.port)), [], "none in clear");
  const hosts = ["shop.test", "www.shop.test"];
  rig.route([app.port], { hosts, policy: { ...policy, canonicalHost: "www.shop.test" } });
  const away = await (await tlsClient(t, rig, { text: GET })).until(/now\.\n$/);
  t.regex(away, /^HTTP\/1\.1 301 [^]*Location: https:\/\/www\.shop\.test\//);
  t.deepEqual(values(away), ["31536000"]);
});
