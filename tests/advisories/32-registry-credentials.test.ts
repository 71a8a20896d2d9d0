import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import test, { type ExecutionContext } from "ava";
import { parseImageRef } from "../../apps/image-ref.ts";
import { pullAuth } from "../../workers/registry-auth.ts";

const PASSWORD = "p4ss-32";
const BASIC = `Basic ${Buffer.from(`ann:${PASSWORD}`).toString("base64")}`;

/** A server that remembers who showed it credentials. */
async function serve(t: ExecutionContext, listener: RequestListener) {
  const shown: string[] = [];
  const server = createServer((req, res) => {
    if (req.headers.authorization) shown.push(`${req.url} ${req.headers.authorization}`);
    listener(req, res);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, shown };
}

const giveToken: RequestListener = (_req, res) => void res.end('{"token":"t0ken"}');

/** A registry that says that tokens are made at `realm`; its own `/token` makes them. */
function registry(t: ExecutionContext, realmOf: (host: string) => string) {
  return serve(t, (req, res) => {
    if (req.url?.startsWith("/token")) return giveToken(req, res);
    const challenge = `Bearer realm="${realmOf(req.headers.host ?? "")}",service="s"`;
    return void res.writeHead(401, { "www-authenticate": challenge }).end();
  });
}

function authFor(host: string, realm: string | null) {
  const login = { host, username: "ann", password: PASSWORD, realm, by: "ann", createdAt: 0 };
  const open = async (asked: string) => (asked === host ? login : null);
  return pullAuth({ open }, parseImageRef(`${host}/ann/shop:1`), AbortSignal.timeout(10_000));
}

test("the registry's own host, and the realm of the login, get the password; the engine gets a token", async (t) => {
  const own = await registry(t, (host) => `http://${host}/token`);
  t.deepEqual(await authFor(own.host, null), { registrytoken: "t0ken", serveraddress: own.host });
  t.deepEqual(own.shown, [`/token?service=s&scope=repository%3Aann%2Fshop%3Apull ${BASIC}`]);
  const elsewhere = await serve(t, giveToken);
  const realm = `http://${elsewhere.host}/token`;
  const named = await registry(t, () => realm);
  t.deepEqual(await authFor(named.host, realm), {
    registrytoken: "t0ken",
    serveraddress: named.host,
  });
  t.is(elsewhere.shown.length, 1);
});

test("a registry that names another realm gets nothing, and neither does that realm", async (t) => {
  const thief = await serve(t, giveToken);
  const good = await serve(t, giveToken);
  const realms = [
    [`http://${thief.host}/token`, null],
    [`http://${thief.host}/token`, `http://${good.host}/token`],
    [`http://${good.host}/other`, `http://${good.host}/token`],
    [`http://${good.host}@${thief.host}/token`, `http://${good.host}/token`],
    [`http://${good.host}.evil.example/token`, `http://${good.host}/token`],
    ["file:///etc/passwd", null],
    ["nonsense", null],
  ] as const;
  for (const [realm, configured] of realms) {
    const trap = await registry(t, () => realm);
    const error = await t.throwsAsync(
      authFor(trap.host, configured),
      { code: "registry-refused" },
      realm,
    );
    t.notRegex(error.message, /p4ss/);
    t.deepEqual(trap.shown, [], realm);
  }
  t.deepEqual([...thief.shown, ...good.shown], []);
});

test("redirects carry the password nowhere", async (t) => {
  const thief = await serve(t, giveToken);
  const turned = await serve(t, (req, res) => {
    if (req.url?.startsWith("/token"))
      return void res.writeHead(307, { Location: `http://${thief.host}/token` }).end();
    const challenge = `Bearer realm="http://${req.headers.host}/token"`;
    return void res.writeHead(401, { "www-authenticate": challenge }).end();
  });
  await t.throwsAsync(authFor(turned.host, null), { code: "registry-refused" });
  const first = await serve(
    t,
    (_req, res) => void res.writeHead(302, { Location: `http://${thief.host}/v2/` }).end(),
  );
  t.is(await authFor(first.host, null), null, "what asks for nothing is given nothing");
  t.deepEqual(thief.shown, []);
});

test("an answer without an end is left", async (t) => {
  let sent = 0;
  const endless = await serve(t, (req, res) => {
    if (!req.url?.startsWith("/token")) {
      const challenge = `Bearer realm="http://${req.headers.host}/token"`;
      res.writeHead(401, { "www-authenticate": challenge }).end();
      return;
    }
    const more = () => {
      while (!res.destroyed && res.write("x".repeat(10_000))) sent += 10_000;
    };
    res.on("drain", more);
    more();
  });
  const message = /the login's answer is too long/;
  await t.throwsAsync(authFor(endless.host, null), { code: "registry-refused", message });
  t.true(sent < 50_000_000, `${sent} bytes were sent`);
});

test("a registry that nobody has logged in to is asked nothing", async (t) => {
  const other = await registry(t, (host) => `http://${host}/token`);
  const open = async () => null;
  const image = parseImageRef(`${other.host}/x`);
  t.is(await pullAuth({ open }, image, AbortSignal.timeout(5000)), null);
  t.deepEqual(other.shown, []);
});
