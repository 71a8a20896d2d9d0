import { randomBytes } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import { createAcme } from "../../apps/acme.ts";
import { createCertificates } from "../../apps/certificates.ts";
import { keys } from "../../apps/keys.ts";
import { certificateSecret, createSecrets } from "../../apps/secrets.ts";
import { createRedisStore } from "../../apps/store-redis.ts";
import { createProofs } from "../../router/proofs.ts";
import { createOrder } from "../../workers/acme-order.ts";
import { createOrders } from "../../workers/acme.ts";
import { startPebble } from "../support/pebble.ts";
import { startRedis } from "../support/redis.ts";
import { OK_CLOSE, routeTo, startRawApp } from "../support/router-rig.ts";
import { startTlsRouter, tlsClient } from "../support/tls-rig.ts";

// One after the other: the library trusts one set of authorities per process.
const HOST = "shop.acme.test";
const LIFETIME_S = 3600;

async function startWorld(t: ExecutionContext) {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const redis = server.connect();
  const secrets = createSecrets(randomBytes(32));
  const store = createRedisStore(redis);
  const certificates = createCertificates(redis, secrets);
  const acme = createAcme(redis, secrets);
  const lines: string[] = [];
  const log = (...args: unknown[]) => void lines.push(JSON.stringify(args));
  const rig = await startTlsRouter(t, {
    tls: {
      openKey: ({ app, id, key }) => secrets.open(app, certificateSecret(id), key),
      ...createProofs({
        names: keys,
        redis: () => redis,
        open: (host, sealed) => secrets.open("*", `proof ${host}`, sealed),
      }),
    },
  });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port], { hosts: [HOST], policy: { httpsRedirect: true } });
  const pebble = await startPebble(t, { http: rig.port, tls: rig.tlsPort, lifetimeS: LIFETIME_S });
  const { directory, caFile } = pebble;
  const orders = createOrders({
    ...{ store, certificates, acme, id: "worker-1" },
    order: createOrder({ acme, directory, caFile, email: "ann@acme.test" }),
    log: { debug: log, info: log, warn: log, error: log },
    times: { backOffMs: 1 },
  });
  await store.createApp("shop", "ann");
  const route = routeTo([app.port], { hosts: [HOST, "shop.localhost", "*.acme.test"] });
  await redis.hset(keys.routes, "shop", JSON.stringify(route));
  return {
    ...{ rig, pebble, redis, secrets, store, certificates, acme, orders, lines },
    /** As if the certificate had been issued long ago: it is in its last third then. */
    async age() {
      for (const [field, json] of Object.entries(await redis.hgetall(keys.certificates))) {
        const aged = { ...JSON.parse(json), notBefore: Date.now() - 3 * LIFETIME_S * 1000 };
        await redis.hset(keys.certificates, field, JSON.stringify(aged));
      }
    },
    /** As a router's link does. */
    async serve() {
      const stored = await redis.hvals(keys.certificates);
      rig.router.setCertificates(stored.map((json) => JSON.parse(json)));
    },
    async serial() {
      const issuer = { ...rig.issuer, cert: await pebble.root() };
      const text = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
      const client = await tlsClient(t, { ...rig, issuer }, { servername: HOST, text });
      await client.until(/ok$/);
      return client.socket.getPeerX509Certificate()?.serialNumber;
    },
  };
}

test.serial(
  "A certificate is ordered by http-01 past a redirect to https, served, and renewed in its last third",
  async (t) => {
    const world = await startWorld(t);
    await world.orders.round();
    const [first, ...others] = await world.certificates.list("shop");
    t.deepEqual(others, [], world.lines.join("\n"));
    t.truthy(first, world.lines.join("\n"));
    t.like(first, { names: [HOST], source: "acme", by: "teal" });
    t.deepEqual(await world.acme.attempts(), []);
    await world.serve();
    const serial = await world.serial();
    t.truthy(serial);
    await world.orders.round();
    t.is((await world.certificates.list("shop"))[0]?.id, first?.id, "not before its time");
    const account = await world.redis.hgetall(keys.acmeAccounts);
    t.false(JSON.stringify(account).includes("PRIVATE KEY"));
    t.deepEqual(await world.redis.keys("teal:acme:answer:*"), [], "what was offered is withdrawn");

    await world.age();
    await world.orders.round();
    const renewed = await world.certificates.list("shop");
    t.is(renewed.length, 1, world.lines.join("\n"));
    t.not(renewed[0]?.id, first?.id);
    await world.serve();
    t.not(await world.serial(), serial);
    t.is(await world.redis.hlen(keys.acmeAccounts), 1);
  },
);

test.serial(
  "Where http-01 has failed, tls-alpn-01 is tried, and the reason is kept until it succeeds",
  async (t) => {
    const world = await startWorld(t);
    const { rig } = world;
    // Somebody else has port 80.
    const elsewhere = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
    rig.router.apply({ type: "gone", app: "shop", version: 1 });
    await world.orders.round();
    const [failed] = await world.acme.attempts("shop");
    t.like(failed, { host: HOST, app: "shop", failures: 1 });
    t.regex(failed?.error ?? "", /looked for the platform's http-01 answer at shop\.acme\.test/);
    t.regex(failed?.error ?? "", /404.*Point the DNS of shop\.acme\.test at this machine/);
    t.deepEqual(await world.certificates.list("shop"), []);
    rig.route([elsewhere.port], { hosts: [HOST], version: 2 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const looks = () => world.pebble.log().split("validate w/ HTTP").length;
    const before = looks();
    await world.orders.round();
    const found = await world.certificates.list("shop");
    t.is(found.length, 1, world.lines.join("\n"));
    t.deepEqual(await world.acme.attempts(), []);
    t.is(looks(), before, "it did not look by http again");
    await world.serve();
    t.truthy(await world.serial());
  },
);

test.serial(
  "An app that asks for none, and a host with a certificate of its own, get no orders",
  async (t) => {
    const world = await startWorld(t);
    await world.store.changeSettings("shop", { options: { certificates: { auto: false } } });
    await world.orders.round();
    t.deepEqual(await world.certificates.list("shop"), []);
    await world.store.changeSettings("shop", { options: { certificates: null } });
    const { cert: chain, key } = await world.rig.issuer.issue([HOST]);
    await world.certificates.add({ app: "shop", chain, key, source: "own", by: "ann" }, [HOST]);
    await world.orders.round();
    t.is((await world.certificates.list("shop")).length, 1);
    t.deepEqual(await world.acme.attempts(), []);
  },
);
