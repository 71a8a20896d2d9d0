import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import type { Redis } from "ioredis";
import { keys } from "../../../apps/keys.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";
import { createIssuer, type Issuer } from "../../support/certificates.ts";
import { runCli } from "../../support/run-cli.ts";

let api: TestApi;
let dir: string;
let issuer: Issuer;
let redis: Redis;
test.before(async () => {
  api = await startApi();
  dir = mkdtempSync(join(tmpdir(), "teal-cli-"));
  redis = api.redis.connect();
  issuer = await createIssuer();
  await api.store.createApp("shop", "ann");
  await api.store.createApp("other", "ann");
});
test.after.always(async () => {
  redis.disconnect();
  await api.stop();
  rmSync(dir, { recursive: true, force: true });
});

function teal(args: string[], { input = "", env = {} } = {}) {
  const own = { HOME: dir, ...env, TEAL_URL: api.url, TEAL_TOKEN: api.tokens.admin };
  return runCli([...args, "-a", "shop"], { env: own, cwd: dir, input });
}

async function files(names: string[]) {
  const pair = await issuer.issue(names);
  writeFileSync(join(dir, "cert.pem"), pair.cert);
  writeFileSync(join(dir, "key.pem"), pair.key);
  return pair;
}

const add = (body: unknown, token?: string) =>
  call(api, "POST", "/apps/shop/certs", { body, ...(token !== undefined && { token }) });

test.serial("a certificate is added, listed with its days, and removed", async (t) => {
  const { key } = await files(["shop.teal.test"]);
  const added = await teal(["certs:add", "cert.pem", "key.pem"]);
  t.is(added.code, 0, added.stderr);
  t.regex(
    added.stdout,
    /^Certificate [0-9a-f]{12} serves shop\.teal\.test until \d{4}-\d\d-\d\d\.\n$/,
  );
  const listed = await teal(["certs"]);
  t.regex(listed.stdout, /shop\.teal\.test +ann brought it +89 days +Test CA/);
  const { certificates } = JSON.parse((await teal(["certs", "--json"])).stdout) as {
    certificates: { id: string }[];
  };
  const id = certificates[0]?.id ?? "";
  const stored = JSON.stringify(await redis.hgetall(keys.certificates));
  t.false(stored.includes(key.split("\n")[1] as string), "the key is sealed");
  t.true(stored.includes(id));
  t.is((await teal(["certs:remove", id])).code, 0);
  t.is((await teal(["certs:remove", id])).code, 4);
  t.regex((await teal(["certs"])).stdout, /^No certificates/);
});

test.serial("over SSH, certificate and key come together on standard input", async (t) => {
  const { cert, key } = await files(["shop.teal.test"]);
  const over = { TEAL_OVER_SSH: "1" };
  const refused = await teal(["certs:add", "cert.pem", "key.pem"], { env: over });
  t.is(refused.code, 2);
  const added = await teal(["certs:add", "-"], { input: cert + key, env: over });
  t.is(added.code, 0, added.stderr);
});

test.serial("a newer one takes the place of those whose names it has", async (t) => {
  const before = await files(["shop.teal.test"]);
  await add({ certificate: before.cert, key: before.key });
  const after = await files(["shop.teal.test", "*.shop.teal.test"]);
  const { certificate } = (await add({ certificate: after.cert, key: after.key })).json;
  const { certificates } = (await call(api, "GET", "/apps/shop/certs")).json;
  t.deepEqual(
    certificates.map(({ id }: { id: string }) => id),
    [certificate.id],
  );
});

test.serial("what cannot be served is refused with a reason, and nothing is kept", async (t) => {
  const pair = await files(["blog.example"]);
  const seq = await redis.get(keys.certificatesSeq);
  const wrong = await add({ certificate: pair.cert, key: pair.key });
  t.is(wrong.status, 400);
  t.regex(
    wrong.json.detail,
    /for shop\.teal\.test was expected, and this one is for blog\.example/,
  );
  t.is((await add({ certificate: 5 })).status, 400);
  t.is((await add({ certificate: "x", key: "x", more: 1 })).status, 400);
  t.is((await teal(["certs:add", "cert.pem", "key.pem"])).code, 2);
  t.is(await redis.get(keys.certificatesSeq), seq);
  await api.store.changeSettings("shop", { addDomains: ["blog.example"] });
  t.is((await add({ certificate: pair.cert, key: pair.key })).status, 201, "now it is the app's");
});

test.serial("who may only read sees them and changes none; others see nothing", async (t) => {
  const pair = await files(["shop.teal.test"]);
  const { read, elsewhere } = api.tokens;
  t.is((await add({ certificate: pair.cert, key: pair.key }, read)).status, 403);
  t.is((await call(api, "GET", "/apps/shop/certs", { token: read })).status, 200);
  t.is((await call(api, "GET", "/apps/shop/certs", { token: elsewhere })).status, 404);
});

test.serial("a destroyed app's certificates are gone, and it gets no new ones", async (t) => {
  const pair = await issuer.issue(["other.teal.test"]);
  const given = {
    app: "other",
    chain: pair.cert,
    key: pair.key,
    source: "own",
    by: "ann",
  } as const;
  await api.options.certificates.add(given, ["other.teal.test"]);
  await api.store.destroyApp("other");
  t.deepEqual(await api.options.certificates.list("other"), []);
  const late = api.options.certificates.add(given, ["other.teal.test"]);
  await t.throwsAsync(late, { message: /destroyed/ });
});

test.serial(
  "orders are turned on and off where the platform places any; what failed is shown",
  async (t) => {
    const refused = await teal(["certs:auto", "on"]);
    t.is(refused.code, 5);
    t.regex(refused.stderr, /orders no certificates[^]*TEAL_ACME=on/);
    t.is((await teal(["certs:auto", "perhaps"])).code, 2);
    api.options.settings.acme = { directory: null, email: null };
    t.is((await teal(["certs:auto", "off"])).code, 0);
    t.false((await call(api, "GET", "/apps/shop/certs")).json.auto);
    t.is((await teal(["certs:auto", "on"])).code, 0);
    t.true((await call(api, "GET", "/apps/shop/certs")).json.auto);
    const at = Date.now();
    const attempt = {
      host: "blog.example",
      app: "shop",
      failures: 1,
      error: "No \u001b[2JA record.",
      at,
    };
    await redis.hset(keys.acmeAttempts, "blog.example", JSON.stringify({ ...attempt, nextAt: at }));
    t.regex(
      (await teal(["certs"])).stderr,
      /^blog\.example: No A record\. The next order is at 20/m,
    );
  },
);
