import test from "ava";
import { createAcme } from "../../../apps/acme.ts";
import { createCertificates } from "../../../apps/certificates.ts";
import { keys } from "../../../apps/keys.ts";
import { routeTo } from "../../support/router-rig.ts";
import { createOrders } from "../../../workers/acme.ts";
import { goLive, pushOf, startApi } from "../../support/api.ts";
import { createIssuer } from "../../support/certificates.ts";

const DAY_MS = 86_400_000;

test("Who is to be told hears of a certificate's last week once a day, and of failed orders once in a row", async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  const { store, options } = api;
  await store.createApp("shop", "ann");
  const pushed = await api.deploys.push(pushOf("shop", "aaa"));
  await goLive(store, "shop", pushed);
  const redis = api.redis.connect();
  const route = routeTo([1], { hosts: ["shop.teal.test", "new.shop.test"] });
  await redis.hset(keys.routes, "shop", JSON.stringify(route));
  const issuer = await createIssuer();
  const add = async (days: number, name: string) => {
    const notAfter = new Date(Date.now() + days * DAY_MS + 60_000);
    const { cert: chain, key } = await issuer.issue([name], { notAfter });
    await options.certificates.add({ app: "shop", chain, key, source: "own", by: "ann" }, [name]);
  };
  await add(6, "shop.teal.test");
  await add(8, "other.teal.test");
  await redis.del(keys.notices);
  const silent = () => undefined;
  const acme = createAcme(redis, options.secrets);
  const orders = createOrders({
    ...{ store, acme, id: "worker-1" },
    certificates: createCertificates(redis, options.secrets),
    order: () => Promise.reject(new Error("not granted")),
    log: { debug: silent, info: silent, warn: silent, error: silent },
    times: { backOffMs: 1 },
  });
  for (let i = 0; i < 4; i++) {
    await orders.round();
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  t.deepEqual(await redis.lrange(keys.notices, 0, -1), [
    `${pushed.id} certificate-ends shop.teal.test, 6 days left`,
    `${pushed.id} certificate-failed new.shop.test`,
  ]);
});

test("an order that comes to no end has failed, and one that the worker's end cuts off has not", async (t) => {
  const api = await startApi();
  t.teardown(() => api.stop());
  const { store, options } = api;
  await store.createApp("shop", "ann");
  await goLive(store, "shop", await api.deploys.push(pushOf("shop", "aaa")));
  const redis = api.redis.connect();
  const route = routeTo([1], { hosts: ["new.shop.test"] });
  await redis.hset(keys.routes, "shop", JSON.stringify(route));
  const silent = () => undefined;
  const acme = createAcme(redis, options.secrets);
  const asked = Promise.withResolvers<void>();
  const make = (orderMs: number) =>
    createOrders({
      ...{ store, acme, id: "worker-1" },
      certificates: createCertificates(redis, options.secrets),
      order() {
        asked.resolve();
        return new Promise(() => {});
      },
      log: { debug: silent, info: silent, warn: silent, error: silent },
      times: { orderMs, backOffMs: 60_000 },
    });
  const stop = new AbortController();
  const running = make(60_000).run(stop.signal);
  await asked.promise;
  stop.abort();
  await running;
  t.deepEqual(await acme.attempts(), []);
  await make(50).round();
  const [attempt] = await acme.attempts();
  t.like(attempt, { host: "new.shop.test", failures: 1 });
  t.regex(attempt?.error ?? "", /did not bring the order to its end/);
});
