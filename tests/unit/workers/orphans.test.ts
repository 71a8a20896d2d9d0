import test from "ava";
import { keys } from "../../../apps/keys.ts";
import { createRedisStore } from "../../../apps/store-redis.ts";
import { afterPatience } from "../../../workers/orphans.ts";
import { startRedis } from "../../support/redis.ts";
import { memoryWorld, push, startRedisWorlds, type World } from "../../support/store-worlds.ts";

const LEASE_MS = 1000;

async function begin(world: World) {
  const { store } = world;
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  return store;
}

const openMemory = async () => ({ world: memoryWorld(), close: () => undefined });

for (const open of [openMemory, openRedis]) {
  test.serial(
    `what runs without a lease is an orphan, and nothing else is (${open.name})`,
    async (t) => {
      const { world, close } = await open();
      t.teardown(close);
      const store = await begin(world);
      t.false(await store.orphaned("shop"), "queued");
      t.false(await store.orphaned("nobody"));
      const taken = await store.claim("shop", "one", LEASE_MS);
      t.false(await store.orphaned("shop"), "claimed");
      await world.elapse(LEASE_MS);
      t.true(await store.orphaned("shop"));
      if (taken) await store.renew(taken.claim, "one", LEASE_MS);
      t.false(await store.orphaned("shop"));
      await world.elapse(LEASE_MS);
      await store.destroyApp("shop");
      t.false(await store.orphaned("shop"));
    },
  );
}

async function openRedis() {
  const { world, server } = await startRedisWorlds();
  return { world: await world(), close: () => server.stop() };
}

test("a lease that ends before its time is renewed by who has it; one of the dead is taken", async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.stop());
  const connection = redis.connect();
  const store = createRedisStore(connection);
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const one = await store.claim("shop", "one", LEASE_MS);
  if (!one) throw new Error("nothing to claim");
  const renewing = setInterval(() => void store.renew(one.claim, "one", LEASE_MS), LEASE_MS / 4);
  t.teardown(() => clearInterval(renewing));
  const work = async (app: string) => void (await store.claim(app, "two", LEASE_MS));
  const patiently = afterPatience({ store, leaseMs: LEASE_MS, work });
  // As when the store's clock leaps ahead.
  await connection.del(keys.lease("shop"));
  await Promise.all([patiently("shop"), patiently("shop")]);
  t.is((await store.getApp("shop"))?.token, one.claim.token);
  clearInterval(renewing);
  await connection.del(keys.lease("shop"));
  await patiently("shop");
  t.is((await store.getApp("shop"))?.token, one.claim.token + 1);
});
