import test from "ava";
import { createRedisStore } from "../../../apps/store-redis.ts";
import type { Instance } from "../../../apps/types.ts";
import { claimed, refused, startBothStores } from "../../support/both-stores.ts";
import { makeLive, makeReady, push, SWAP_TIMES } from "../../support/store-worlds.ts";

const { both, redis, redisWorld, server } = await startBothStores();

both("a deploy makes one release, numbered in the app", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const { claim, deploy } = await makeReady(store, push("shop"));
  const [release] = await store.listReleases("shop");
  t.like(release, {
    app: "shop",
    n: 1,
    imageBytes: 12_345_678_901,
    formation: {},
    processes: { web: "" },
  });
  const again = await store.createRelease(claim, {
    ...(release as never as object),
    deploy: deploy.id,
    image: "sha256:2",
  } as never);
  t.deepEqual(again, release);
  t.deepEqual(await store.getRelease("shop", 1), release);
  t.is(await store.getRelease("shop", 2), null);
  t.is((await store.getDeploy(deploy.id))?.release, 1);
});

both("instances get the lowest free slots from 2, up to 62", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(store, "shop");
  const many = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({
      id: `teal-shop-1-web-${from + i}`,
      deploy: "shop-1",
      release: 1,
      colour: "blue" as const,
      process: "web",
      index: from + i,
    }));
  const recorded = await store.recordInstances(claim, many(1, 3));
  t.deepEqual(
    recorded.map((it) => it.slot),
    [2, 3, 4],
  );
  t.like(recorded[0], {
    id: "teal-shop-1-web-1",
    app: "shop",
    release: 1,
    index: 1,
    state: "created",
  });
  t.deepEqual(await store.recordInstances(claim, many(1, 3)), recorded);

  const second = "teal-shop-1-web-2";
  await store.retire(claim, [second]);
  t.is(
    (await store.recordInstances(claim, many(4, 1)))[0]?.slot,
    5,
    "a retired one keeps its address",
  );
  await store.markGone(second, "removed");
  t.is((await store.recordInstances(claim, many(5, 1)))[0]?.slot, 3);

  await refused(t, "no-free-slot", store.recordInstances(claim, many(10, 58)));
  t.is((await store.listInstances("shop")).length, 4, "all or none are recorded");
  t.deepEqual((await store.recordInstances(claim, many(10, 57))).at(-1)?.slot, 62);
});

both("an instance's life only moves forward", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const { claim, instance } = await makeReady(store, push("shop"));
  const { id } = instance;
  t.like(instance, { state: "healthy", host: "10.213.0.2", port: 5000 });
  await store.advanceInstance(claim, id, "started", { host: "10.9.9.9", port: 1 });
  t.deepEqual(await store.listInstances("shop"), [instance]);
  await store.markGone(id, "stopped");
  await store.markGone(id, "removed");
  t.deepEqual(await store.listInstances("shop"), [instance], "what is not retired is not gone");

  const [retired] = await store.retire(claim, [id]);
  t.like(retired, { state: "retired", retiredVersion: 0 });
  t.deepEqual(await store.retire(claim, [id, "unknown"]), [retired as Instance]);
  await refused(t, "instance-retired", store.advanceInstance(claim, id, "healthy"));
  await store.markGone(id, "stopped");
  await store.markGone(id, "stopped");
  t.is((await store.listInstances("shop"))[0]?.state, "stopped");
  await store.retire(claim, [id]);
  t.is((await store.listInstances("shop"))[0]?.state, "stopped");
  await store.markGone(id, "removed");
  await store.markGone(id, "removed");
  await store.markGone(id, "stopped");
  t.deepEqual(await store.listInstances("shop"), []);
  const message = await refused(t, "instance-retired", store.advanceInstance(claim, id, "started"));
  t.regex(message, /is removed and cannot be made live/);
  await refused(t, "instance-retired", store.recordInstances(claim, [instance]));
  t.deepEqual(await store.listInstances("shop"), []);
});

both("a standby stays warm while its other processes are retired", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  const { claim, deploy, swap } = await makeReady(store, push("shop"));
  const worker = { id: "teal-shop-1-worker-1", deploy: "shop-1", release: 1, process: "worker" };
  await store.recordInstances(claim, [{ ...worker, colour: "blue", index: 1 }]);
  await store.advanceInstance(claim, worker.id, "healthy", { host: "10.213.0.9", port: 1 });
  await store.prepareSwap(claim, deploy.id, swap.id, SWAP_TIMES);
  await store.commitSwap(claim, swap);
  await store.retire(claim, [worker.id]);
  t.like(await store.getApp("shop"), { standby: { deploy: "shop-1" } });
  await store.retire(claim, ["teal-shop-1-web-1"]);
  t.is((await store.getApp("shop"))?.standby, null);
});

both("routers are known by their last report, also when the lease has ended", async (t, world) => {
  const report = { host: "here", pid: 1, acks: { shop: 3 }, busy: {} };
  await world.heartbeat({ id: "dead", ...report }, -1000);
  await world.heartbeat({ id: "alive", ...report }, 60_000);
  t.deepEqual(await world.store.routers(), [
    { id: "dead", ...report, expired: true },
    { id: "alive", ...report, expired: false },
  ]);
});

both("an event that changes nothing is passed on", async (t, world) => {
  await world.store.publish({ type: "count", app: "shop", id: "7" });
  t.deepEqual(await world.events(), [{ type: "count", app: "shop", id: "7" }]);
});

test.serial("on Redis the scripts are loaded anew after it has forgotten them", async (t) => {
  const { store } = await redisWorld();
  await store.createApp("shop", "ann");
  await redis.script("FLUSH");
  await store.createApp("blog", "ann");
  t.is((await store.listApps()).length, 2);
});

test.serial("on Redis what cannot be reached is called so, whatever is asked", async (t) => {
  await redisWorld();
  const away = server.connect({
    path: `${server.socket}.none`,
    maxRetriesPerRequest: 0,
    retryStrategy: () => 10,
  });
  const store = createRedisStore(away);
  await refused(t, "store-unavailable", store.createApp("shop", "ann"));
  await refused(t, "store-unavailable", store.getApp("shop"));
  await refused(t, "store-unavailable", store.listApps());
  await refused(t, "store-unavailable", store.publish({ type: "count", app: "shop", id: "1" }));
});
