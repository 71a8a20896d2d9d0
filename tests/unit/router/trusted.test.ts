import test, { type ExecutionContext } from "ava";
import {
  ask,
  HEAD,
  OK,
  OK_CLOSE,
  rawClient,
  startRawApp,
  startRouter,
} from "../../support/router-rig.ts";

const LOOPBACK = [{ address: "127.0.0.0", prefix: 8 }];

/** What an app behind a router that trusts `proxies` gets of a request with `fields`. */
async function seenThrough(
  t: ExecutionContext,
  fields: string,
  proxies = [
    ...LOOPBACK,
    { address: "10.0.0.0", prefix: 8 },
    { address: "2001:db8::", prefix: 32 },
  ],
): Promise<string> {
  const rig = await startRouter(t, { trustedProxies: proxies });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  t.regex(await ask(t, rig.port, fields), /200 OK/);
  return app.received[0] ?? "";
}

const CLAIMS =
  "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: www.example.org\r\n" +
  "X-Forwarded-Port: 8443\r\nX-Request-Id: from-the-edge\r\nForwarded: for=203.0.113.7;proto=https\r\n";

test("What a trusted proxy says of its client is kept, and this hop added to it", async (t) => {
  const seen = await seenThrough(t, CLAIMS);
  for (const line of [
    "x-forwarded-for: 203.0.113.7, 127.0.0.1",
    "x-real-ip: 203.0.113.7",
    "x-forwarded-proto: https",
    "x-forwarded-host: www.example.org",
    "x-forwarded-port: 8443",
    "x-request-id: from-the-edge",
    'forwarded: for=203.0.113.7;proto=https, for=127.0.0.1;proto=http;host="shop.test"',
    "host: shop.test",
  ]) {
    t.is(seen.split(`\r\n${line}\r\n`).length, 2, `${line} in ${seen}`);
  }
  t.is(seen.match(/x-forwarded-for/gi)?.length, 1);
});

test("The same words of anybody else are replaced", async (t) => {
  const seen = await seenThrough(t, CLAIMS, [{ address: "192.0.2.0", prefix: 24 }]);
  t.notRegex(seen, /203\.0\.113\.7|https|example\.org|8443|from-the-edge/);
  t.regex(seen, /\r\nx-forwarded-for: 127\.0\.0\.1\r\n/);
});

test("The client is the nearest address that is no trusted proxy, whatever stands before it", async (t) => {
  for (const [chain, client] of [
    ["6.6.6.6, 203.0.113.7, 10.1.2.3", "203.0.113.7"],
    ["6.6.6.6, 203.0.113.7, 2001:db8::5, 10.1.2.3", "203.0.113.7"],
    ["2a00::1, ::ffff:10.0.0.1", "2a00::1"],
    ["6.6.6.6, unknown, 10.1.2.3", "10.1.2.3"],
    ["10.0.0.9", "10.0.0.9"],
    ["6.6.6.6, ", "127.0.0.1"],
  ]) {
    const seen = await seenThrough(t, `X-Forwarded-For: ${chain}\r\n`);
    t.regex(seen, new RegExp(`\r\nx-real-ip: ${client}\r\n`), chain);
  }
});

test("Claims that make no sense are the router's own again", async (t) => {
  const seen = await seenThrough(
    t,
    "X-Forwarded-Proto: https, http\r\nX-Forwarded-Host: a/b@c\r\nX-Forwarded-Port: 99x\r\n" +
      'X-Request-Id: two words\r\nForwarded: for="1.2.3.4\r\nX_Forwarded_For: 6.6.6.6\r\n',
  );
  t.regex(seen, /\r\nx-forwarded-for: 127\.0\.0\.1\r\n/);
  t.regex(seen, /\r\nx-forwarded-proto: http\r\n/);
  t.regex(seen, /\r\nx-forwarded-host: shop\.test\r\nx-forwarded-port: 80\r\n/);
  t.regex(seen, /\r\nforwarded: for=127\.0\.0\.1;proto=http;host="shop\.test"\r\n/);
  t.regex(seen, /\r\nx-request-id: [0-9a-f-]{36}\r\n/);
  t.notRegex(seen, /6\.6\.6\.6/);
});

test("Repeated fields of a trusted proxy are one list; a port follows from what it said", async (t) => {
  const seen = await seenThrough(
    t,
    "X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Proto: HTTPS\r\n",
  );
  t.regex(seen, /\r\nx-forwarded-for: 203\.0\.113\.7, 10\.0\.0\.1, 127\.0\.0\.1\r\n/);
  t.regex(seen, /\r\nx-forwarded-port: 443\r\n/);
});

test("Each request on a proxy's connection has its own claims", async (t) => {
  const rig = await startRouter(t, { trustedProxies: LOOPBACK });
  const app = await startRawApp(t, (socket) => {
    socket.write(OK);
    socket.on("data", () => socket.write(OK));
  });
  rig.route([app.port]);
  const client = await rawClient(t, rig.port);
  for (const [i, fields] of ["X-Request-Id: a\r\nX-Forwarded-For: 1.1.1.1\r\n", ""].entries()) {
    client.write(`GET /${i} HTTP/1.1\r\n${HEAD}${fields}\r\n`);
    await client.until(new RegExp(`(200 OK[^]*){${i + 1}}`));
  }
  const second = app.received[0]?.split("GET /1 ")[1] ?? "";
  t.regex(app.received[0] ?? "", /x-request-id: a\r\n/);
  t.regex(second, /x-forwarded-for: 127\.0\.0\.1\r\n/);
  t.notRegex(second, /1\.1\.1\.1|x-request-id: a\r/);
});

test("A hundred kilobytes of X-Forwarded-For from a trusted proxy are 431, thirty are read quickly", async (t) => {
  const rig = await startRouter(t, { trustedProxies: LOOPBACK });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  const before = process.cpuUsage();
  t.regex(
    await ask(t, rig.port, `X-Forwarded-For: ${"127.0.0.1, ".repeat(9100)}1.1.1.1\r\n`),
    / 431 /,
  );
  t.regex(
    await ask(t, rig.port, `X-Forwarded-For: ${"127.0.0.1, ".repeat(2700)}1.1.1.1\r\n`),
    / 200 /,
  );
  const { user, system } = process.cpuUsage(before);
  t.true(user + system < 500_000, `${user + system} µs`);
});

test("Who came by https to a trusted proxy is not sent to https again", async (t) => {
  const rig = await startRouter(t, { trustedProxies: LOOPBACK });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port], { policy: { httpsRedirect: true } });
  t.regex(await ask(t, rig.port, "X-Forwarded-Proto: https\r\n"), / 200 /);
  t.regex(await ask(t, rig.port, "X-Forwarded-Proto: http\r\n"), / 301 /);
  t.regex(await ask(t, rig.port), / 301 /);
});
