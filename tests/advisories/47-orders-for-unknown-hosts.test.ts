import { randomBytes } from "node:crypto";
import { connect } from "node:tls";
import { once } from "node:events";
import test, { type ExecutionContext } from "ava";
import { createAcme } from "../../apps/acme.ts";
import { createCertificates } from "../../apps/certificates.ts";
import { keys } from "../../apps/keys.ts";
import { createSecrets } from "../../apps/secrets.ts";
import { createRedisStore } from "../../apps/store-redis.ts";
import { createProofs } from "../../router/proofs.ts";
import { createOrders } from "../../workers/acme.ts";
import { startRedis } from "../support/redis.ts";
import { ask, OK_CLOSE, rawClient, routeTo, startRawApp } from "../support/router-rig.ts";
import { startTlsRouter } from "../support/tls-rig.ts";

/** Orders that are never granted: what counts here is how many are placed. */
async function startWorld(t: ExecutionContext) {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const redis = server.connect();
  const secrets = createSecrets(randomBytes(32));
  const store = createRedisStore(redis);
  const acme = createAcme(redis, secrets);
  const placed: string[] = [];
  const silent = () => undefined;
  const makeOrders = (id: string) =>
    createOrders({
      ...{ store, acme, id, certificates: createCertificates(redis, secrets) },
      log: { debug: silent, info: silent, warn: silent, error: silent },
      async order(host) {
        placed.push(host);
        throw new Error("not granted");
      },
    });
  await store.createApp("shop", "ann");
  return {
    ...{ redis, secrets, acme, placed, makeOrders, orders: makeOrders("worker-1") },
    async route(hosts: string[]) {
      await redis.hset(keys.routes, "shop", JSON.stringify(routeTo([1], { hosts })));
    },
  };
}

test("Connections and requests for hosts of no app start no order and ask the store nothing", async (t) => {
  const world = await startWorld(t);
  let asked = 0;
  const { redis, secrets } = world;
  const proofs = createProofs({
    names: keys,
    redis() {
      asked++;
      return redis;
    },
    open: (host, sealed) => secrets.open("*", `proof ${host}`, sealed),
  });
  const rig = await startTlsRouter(t, { tls: proofs });
  const app = await startRawApp(t, (socket) => socket.end(OK_CLOSE));
  rig.route([app.port]);
  await Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      const servername = `h${i}.evil.test`;
      for (const ALPNProtocols of [["h2"], ["acme-tls/1"]]) {
        const socket = connect({ port: rig.tlsPort, host: "127.0.0.1", servername, ALPNProtocols });
        await t.throwsAsync(once(socket, "secureConnect"));
      }
      const path = "/.well-known/acme-challenge/token";
      const text = `GET ${path} HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`;
      t.regex(await (await rawClient(t, rig.port, text)).end(), /^HTTP\/1\.1 404/);
    }),
  );
  await world.orders.round();
  t.deepEqual(world.placed, []);
  t.is(asked, 0);
  for (const token of ["../../keys", "a%20b", "", "x".repeat(300)]) {
    await ask(t, rig.port, "", `/.well-known/acme-challenge/${token}`);
  }
  t.is(asked, 0, "what is no token is the app's");
  await ask(t, rig.port, "", "/.well-known/acme-challenge/some-token");
  t.is(asked, 1);
  t.is(app.received.length, 5, "the app answers what the platform did not ask for");
});

test("All hosts together get so many orders an hour, and a host that was refused waits", async (t) => {
  const world = await startWorld(t);
  await world.route(Array.from({ length: 70 }, (_, i) => `h${i}.shop.test`));
  for (let i = 0; i < 3; i++) await world.orders.round();
  t.is(world.placed.length, 50);
  t.is(new Set(world.placed).size, 50, "none twice");
  const [attempt] = await world.acme.attempts("shop");
  t.true((attempt?.nextAt ?? 0) - Date.now() > 250_000);
});

test("The wait grows to a day; what nobody wants any more is forgotten", async (t) => {
  const world = await startWorld(t);
  await world.route(["a.shop.test"]);
  for (const failures of [3, 20]) {
    const before = { host: "a.shop.test", app: "shop", error: "", at: 0, nextAt: 0 };
    await world.acme.note({ ...before, failures });
    await world.orders.round();
    const [after] = await world.acme.attempts();
    t.is(after?.failures, failures + 1);
    const wait = (after?.nextAt ?? 0) - (after?.at ?? 0);
    t.is(wait, failures === 3 ? 40 * 60_000 : 86_400_000);
  }
  await world.route(["b.shop.test"]);
  await world.orders.round();
  t.deepEqual(
    (await world.acme.attempts()).map(({ host }) => host),
    ["b.shop.test"],
  );
});

test("Of several workers one orders; a wildcard and localhost are left out", async (t) => {
  const world = await startWorld(t);
  await world.route(["a.shop.test", "*.shop.test", "shop.localhost", "localhost"]);
  const others = ["worker-2", "worker-3"].map(world.makeOrders);
  await Promise.all([world.orders, ...others].map((orders) => orders.round()));
  t.deepEqual(world.placed, ["a.shop.test"]);
});
