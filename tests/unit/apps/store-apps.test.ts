import test from "ava";
import { keys } from "../../../apps/keys.ts";
import { refused, startBothStores } from "../../support/both-stores.ts";
import { LEASE_MS, makeLive, makeReady, push, SWAP_TIMES } from "../../support/store-worlds.ts";

const { both, redis, redisWorld } = await startBothStores();

both("an app is created once, by a good name", async (t, { store }) => {
  const app = await store.createApp("shop", "ann");
  t.like(app, {
    name: "shop",
    createdBy: "ann",
    state: "active",
    token: 0,
    routeVersion: 0,
    live: null,
    standby: null,
  });
  t.deepEqual(await store.getApp("shop"), app);
  t.deepEqual(await store.listApps(), [app]);
  t.is(await store.getApp("other"), null);
  await refused(t, "app-exists", store.createApp("shop", "bob"));
  for (const name of ["", "Shop", "1shop", "a b", "shop:x", "*", "a".repeat(32)]) {
    await refused(t, "bad-app-name", store.createApp(name, "ann"));
  }
});

both(
  "a host belongs to at most one app, and is free once its app lets go",
  async (t, { store }) => {
    await store.createApp("shop", "ann");
    await store.createApp("blog", "ann");
    const shop = await makeReady(store, push("shop"));
    await store.commitSwap(shop.claim, { ...shop.swap, hosts: ["www.example", "shop.localhost"] });
    await store.finishDeploy(shop.claim, shop.deploy.id, "live");
    await store.release(shop.claim);

    const blog = await makeReady(store, push("blog"));
    const wants = { ...blog.swap, hosts: ["blog.localhost", "www.example"] };
    const message = await refused(t, "host-taken", store.commitSwap(blog.claim, wants));
    t.regex(message, /www\.example belongs to app shop/);
    t.is(await store.getRoute("blog"), null);

    await makeLive(store, push("shop"));
    t.deepEqual((await store.commitSwap(blog.claim, wants)).hosts, [
      "blog.localhost",
      "www.example",
    ]);
    await store.destroyApp("blog");
    const last = await makeReady(store, push("shop"));
    await store.prepareSwap(last.claim, last.deploy.id, last.swap.id, SWAP_TIMES);
    await store.commitSwap(last.claim, { ...last.swap, hosts: ["www.example"] });
  },
);

both("a destroyed app is routed nowhere, and refuses everything", async (t, world) => {
  const { store } = world;
  const { id } = await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  const { claim, deploy, swap, instance } = await makeReady(store, push("shop"));
  await store.prepareSwap(claim, deploy.id, swap.id, SWAP_TIMES);
  await store.requestDeploy(push("shop"));

  const app = await store.destroyApp("shop");
  t.like(app, { state: "destroying", routeVersion: 2, live: null, standby: null });
  t.deepEqual(await store.destroyApp("shop", true), app, "what was decided first stays");
  t.deepEqual((await world.events()).at(-1), { type: "gone", app: "shop", version: 2 });
  t.is(await store.getRoute("shop"), null);
  for (const it of await store.listDeploys("shop", 2)) {
    t.like(it, { state: "cancelled", error: "the app was destroyed" });
  }
  t.deepEqual(
    (await store.listInstances("shop")).map((it) => [it.state, it.retiredVersion]),
    [
      ["retired", 2],
      ["retired", 2],
    ],
  );
  t.deepEqual(await store.appsWithWork(), ["shop"]);

  t.is(await store.claim("shop", "one", LEASE_MS), null);
  t.false(await store.renew(claim, "ready", LEASE_MS));
  t.true(await store.release(claim), "its destruction is work");
  await refused(t, "app-destroyed", store.createApp("shop", "ann"));
  await refused(t, "app-destroyed", store.requestDeploy(push("shop")));
  await refused(t, "fenced", store.recordStep(claim, deploy.id, "late", 1));
  await refused(t, "fenced", store.finishDeploy(claim, deploy.id, "live"));
  await refused(t, "fenced", store.recordInstances(claim, []));
  await refused(t, "fenced", store.advanceInstance(claim, instance.id, "healthy"));
  await refused(t, "fenced", store.prepareSwap(claim, deploy.id, "s", SWAP_TIMES));
  await refused(t, "fenced", store.commitSwap(claim, swap));
  await refused(t, "fenced", store.retire(claim, [instance.id]));
  await refused(t, "deploy-finished", store.cancelDeploy(deploy.id, "x"));

  await store.markGone(instance.id, "removed");
  await store.forgetApp("shop", "another id");
  t.not(await store.getApp("shop"), null);
  await store.forgetApp("shop", id);
  t.is(await store.getApp("shop"), null);
  await refused(t, "app-not-found", store.destroyApp("shop"));
});

both("an active app is not forgotten", async (t, { store }) => {
  const { id } = await store.createApp("shop", "ann");
  await store.forgetApp("shop", id);
  t.is((await store.getApp("shop"))?.id, id);
});

both(
  "a new app of an old name has nothing of the old one, and its executors stay fenced",
  async (t, { store }) => {
    const old = await store.createApp("shop", "ann");
    await makeLive(store, push("shop"));
    const { claim, deploy } = await makeReady(store, push("shop"));
    await store.destroyApp("shop");
    await store.forgetApp("shop", old.id);

    const app = await store.createApp("shop", "bob");
    t.not(app.id, old.id);
    t.is(app.routeVersion, 2, "routers that remember the old route see versions grow");
    t.true(app.token > claim.token);
    t.deepEqual(await store.listDeploys("shop", 9), []);
    t.deepEqual(await store.listReleases("shop"), []);
    t.deepEqual(await store.listInstances("shop"), []);
    t.deepEqual(await store.getSteps(deploy.id), {});
    t.is(await store.getDeploy(deploy.id), null);
    await refused(t, "fenced", store.recordStep(claim, deploy.id, "late", 1));
    const next = await makeReady(store, push("shop"));
    t.is(next.deploy.id, "shop-3", "ids are not used again");
    t.is(
      (await store.commitSwap(next.claim, next.swap)).version,
      3,
      "the first route of an app needs no hold",
    );
  },
);

test.serial("on Redis a forgotten app leaves no key but its counters", async (t) => {
  const { store } = await redisWorld();
  const { id } = await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  const { claim, deploy } = await makeReady(store, push("shop"));
  await store.recordStep(claim, deploy.id, "a", 1);
  await store.prepareSwap(claim, deploy.id, "s", SWAP_TIMES);
  await store.requestDeploy(push("shop"));
  await store.destroyApp("shop");
  await store.forgetApp("shop", id);
  t.deepEqual((await redis.keys("*")).toSorted(), [keys.past, keys.routesSeq]);
});
