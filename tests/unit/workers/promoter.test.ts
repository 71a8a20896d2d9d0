import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { createDeploys } from "../../../apps/deploys.ts";
import type { Store } from "../../../apps/store.ts";
import type { Intent } from "../../../apps/types.ts";
import { createPromoter } from "../../../workers/promoter.ts";
import {
  LEASE_MS,
  makeLive,
  makeReady,
  memoryWorld,
  push,
  startRedisWorlds,
} from "../../support/store-worlds.ts";

const { server, world: redisWorld } = await startRedisWorlds();
test.after.always(() => server.stop());

const SILENT = { info() {}, warn() {} };

async function hold(store: Store, intent: Intent): Promise<string> {
  const { claim, deploy, swap } = await makeReady(store, intent);
  const { colour, targets, release } = swap;
  await store.holdColour(claim, {
    ...{ deploy: deploy.id, release, colour, targets, note: "waits" },
  });
  await store.release(claim);
  return deploy.id;
}

function promoterOf(store: Store, now = Date.now) {
  const told: string[] = [];
  const promoter = createPromoter({
    ...{ store, log: SILENT, now },
    wake: (app) => void told.push(app),
    say: async (deploy) => void told.push(deploy),
  });
  return { ...promoter, told };
}

async function start(store: Store): Promise<void> {
  await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
}

const newest = async (store: Store) => (await store.listDeploys("shop", 1))[0];

test.serial(
  "held for a short time on a real Redis, it is promoted once, by any worker",
  async (t) => {
    const { store } = await redisWorld();
    await start(store);
    const held = await hold(store, { ...push("shop"), hold: true, promoteAfter: 300 });
    const { since = 0, promoteAt } = (await store.getApp("shop"))?.held ?? {};
    // Each is read from the clock by itself.
    t.true(Math.abs((promoteAt ?? 0) - since - 300) <= 50, `${promoteAt} ${since}`);
    const [one, other] = [promoterOf(store), promoterOf(store)];
    await one.look();
    t.is((await newest(store))?.id, held, "too early");
    await sleep(350);
    await Promise.all([one.look(), other.look()]);
    await one.look();
    t.like(await newest(store), { id: "shop-3", kind: "promote", promoteOf: held, toRelease: 2 });
    t.deepEqual([...one.told, ...other.told], ["shop", held]);
  },
);

test.serial("an abort, or another deploy that goes live, ends it", async (t) => {
  const { store } = await redisWorld();
  await start(store);
  const later = () => Date.now() + 3600_000;
  await hold(store, { ...push("shop"), hold: true, promoteAfter: 1 });
  await store.dropHeld("shop");
  await promoterOf(store, later).look();
  t.is((await newest(store))?.id, "shop-2");
  await hold(store, { ...push("shop"), hold: true, promoteAfter: 1 });
  await makeLive(store, push("shop"));
  await promoterOf(store, later).look();
  t.is((await newest(store))?.id, "shop-4");
  await hold(store, { ...push("shop"), hold: true, promoteAfter: 1 });
  await hold(store, { ...push("shop"), hold: true });
  t.is((await store.getApp("shop"))?.held?.promoteAt, undefined, "the next one has no such time");
});

for (const [name, make] of [
  ["memory", async () => memoryWorld()],
  ["Redis", redisWorld],
] as const) {
  test.serial(
    `something newer goes first; what is asked for is granted once (${name})`,
    async (t) => {
      const { store } = await make();
      await start(store);
      const held = await hold(store, { ...push("shop"), hold: true, promoteAfter: 1 });
      const wish = { app: "shop", kind: "promote", toRelease: 2, by: "ann", why: "" } as const;
      const promote = (promoteOf: string) => store.requestDeploy({ ...wish, promoteOf });
      await t.throwsAsync(promote("shop-1"), { message: /holds no new/ });
      const { id } = await store.requestDeploy(push("shop"));
      await t.throwsAsync(promote(held), { message: new RegExp(id) });
      const taken = await store.claim("shop", "one", LEASE_MS);
      if (!taken) throw new Error("nothing to claim");
      await t.throwsAsync(promote(held), { message: new RegExp(id) });
      await store.finishDeploy(taken.claim, id, "failed", "its build");
      await store.release(taken.claim);
      t.is((await promote(held)).promoteOf, held);
      await t.throwsAsync(promote(held), { message: /holds no new/ });
      t.is((await store.getApp("shop"))?.held?.deploy, held);
    },
  );
}

test.serial(
  "hold:on with a time gives it to what is held because of it, and to nothing else",
  async (t) => {
    const { store } = await redisWorld();
    await store.createApp("shop", "ann");
    const deploys = createDeploys({ store, queue: { wake: async () => {} } });
    await store.changeSettings("shop", { hold: true, options: { promoteAfter: 600 } });
    t.like(await deploys.push(push("shop")), { hold: true, promoteAfter: 600_000 });
    const own = { ...push("shop"), promoteAfter: 5000 };
    t.like(await deploys.push(own), { hold: true, promoteAfter: 5000 });
    t.is((await deploys.push({ ...push("shop"), hold: false })).promoteAfter, undefined);
  },
);
