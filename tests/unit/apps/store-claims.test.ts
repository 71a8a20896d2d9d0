import test from "ava";
import { createRedisStore } from "../../../apps/store-redis.ts";
import type { Claim } from "../../../apps/store.ts";
import { claimed, refused, startBothStores } from "../../support/both-stores.ts";
import {
  LEASE_MS,
  makeLive,
  makeReady,
  push,
  rollback,
  SWAP_TIMES,
} from "../../support/store-worlds.ts";

const { both, redisWorld, server } = await startBothStores();

both("of two claims at once one wins", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const claims = await Promise.all(
    ["one", "two", "one"].map((executor) => store.claim("shop", executor, LEASE_MS)),
  );
  t.is(claims.filter((it) => it !== null).length, 1);
  t.like(await store.getDeploy("shop-1"), { state: "running", attempts: 1 });
});

both(
  "with nothing to do there is nothing to claim, and no token is spent",
  async (t, { store }) => {
    await store.createApp("shop", "ann");
    t.is(await store.claim("shop", "one", LEASE_MS), null);
    t.is(await store.claim("other", "one", LEASE_MS), null);
    t.is((await store.getApp("shop"))?.token, 0);
  },
);

both("after a takeover the old executor is refused everything", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  const { claim: old, deploy, swap, instance } = await makeReady(store, push("shop"));
  await store.prepareSwap(old, deploy.id, swap.id, SWAP_TIMES);
  await world.elapse(LEASE_MS);
  const taken = await claimed(store, "shop", "two");
  t.like(taken.deploy, { id: deploy.id, attempts: 2, state: "running" });
  t.true(taken.claim.token > old.token);
  const before = [
    await store.getApp("shop"),
    await store.listInstances("shop"),
    await store.listDeploys("shop", 9),
  ];

  t.false(await store.renew(old, "one", LEASE_MS));
  t.false(await store.release(old));
  const { id } = instance;
  await refused(t, "fenced", store.recordStep(old, deploy.id, "late", 1));
  await refused(t, "fenced", store.finishDeploy(old, deploy.id, "failed", "late"));
  await refused(
    t,
    "fenced",
    store.createRelease(old, {
      ...(await store.getRelease("shop", 1)),
      deploy: deploy.id,
    } as never),
  );
  await refused(t, "fenced", store.recordInstances(old, []));
  await refused(t, "fenced", store.advanceInstance(old, id, "healthy"));
  await refused(t, "fenced", store.prepareSwap(old, deploy.id, swap.id, SWAP_TIMES));
  await refused(t, "fenced", store.abandonSwap(old, swap.id));
  await refused(t, "fenced", store.commitSwap(old, swap));
  await refused(t, "fenced", store.retire(old, [id]));

  const after = [
    await store.getApp("shop"),
    await store.listInstances("shop"),
    await store.listDeploys("shop", 9),
  ];
  t.deepEqual(after, before);
  t.true(await store.renew(taken.claim, "two", LEASE_MS));
});

both("who has released a claim writes no more", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(store, "shop");
  t.true(await store.release(claim), "the deploy is still running");
  t.false(await store.renew(claim, "one", LEASE_MS));
  await refused(t, "fenced", store.recordStep(claim, "shop-1", "late", 1));
  t.like((await claimed(store, "shop", "two")).deploy, { id: "shop-1", attempts: 2 });
});

both("a takeover calls off the dead executor's hold, and a release one's own", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  const times = { commitMs: 2 * LEASE_MS, holdMs: 3 * LEASE_MS };
  const { claim, deploy, swap } = await makeReady(store, push("shop"));
  await store.prepareSwap(claim, deploy.id, swap.id, times);
  await world.elapse(LEASE_MS);
  const { claim: second } = await claimed(store, "shop", "two");
  t.is((await world.events()).length, 2);
  await store.prepareSwap(second, deploy.id, "another", times);
  await store.release(second);
  t.deepEqual(await world.events(), [
    { type: "prepare", app: "shop", swap: swap.id, holdMs: times.holdMs },
    { type: "unhold", app: "shop", swap: swap.id },
    { type: "prepare", app: "shop", swap: "another", holdMs: times.holdMs },
    { type: "unhold", app: "shop", swap: "another" },
  ]);
});

both("a deploy that kills its executors is given up, and the next is taken", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  for (const attempts of [1, 2, 3]) {
    t.like((await claimed(store, "shop")).deploy, { id: "shop-1", attempts });
    await world.elapse(LEASE_MS);
  }
  await store.requestDeploy(push("shop"));
  t.like((await claimed(store, "shop")).deploy, { id: "shop-2", attempts: 1 });
  t.like(await store.getDeploy("shop-1"), {
    state: "failed",
    attempts: 3,
    error: "Deploy shop-1 was taken up 3 times and never finished; the platform gave it up.",
  });
});

both(
  "a poison deploy with nothing behind it leaves the app free and its last executor fenced",
  async (t, world) => {
    const { store } = world;
    await store.createApp("shop", "ann");
    await store.requestDeploy(push("shop"));
    const claims = [];
    for (let i = 0; i < 3; i += 1) {
      claims.push((await claimed(store, "shop")).claim);
      await world.elapse(LEASE_MS);
    }
    t.is(await store.claim("shop", "one", LEASE_MS), null);
    t.is((await store.getDeploy("shop-1"))?.state, "failed");
    t.deepEqual(await store.appsWithWork(), []);
    await refused(t, "fenced", store.recordStep(claims[2] as Claim, "shop-1", "late", 1));
  },
);

both(
  "what a given-up deploy left running is retired, live and standby are not",
  async (t, world) => {
    const { store } = world;
    await store.createApp("shop", "ann");
    await makeLive(store, push("shop"));
    await makeLive(store, push("shop"));
    await makeReady(store, push("shop"));
    for (let i = 0; i < 3; i += 1) {
      await world.elapse(LEASE_MS);
      await store.claim("shop", "one", LEASE_MS);
    }
    t.is((await store.getDeploy("shop-3"))?.state, "failed");
    t.deepEqual(
      (await store.listInstances("shop")).map((it) => it.state),
      ["live", "live", "retired"],
    );
    t.like(await store.getApp("shop"), {
      live: { deploy: "shop-2" },
      standby: { deploy: "shop-1" },
    });
  },
);

both(
  "of what a given-up deploy that owns the route started, what serves stays, warm or not",
  async (t, world) => {
    const { store } = world;
    await store.createApp("shop", "ann");
    const first = await makeLive(store, push("shop"));
    await makeLive(store, push("shop"));
    const { claim, deploy, swap } = await makeReady(store, rollback("shop"));
    for (const index of [1, 2]) {
      const id = `teal-shop-3-worker-${index}`;
      const worker = {
        id,
        deploy: deploy.id,
        release: 3,
        colour: "blue",
        process: "worker",
        index,
      };
      await store.recordInstances(claim, [{ ...worker, colour: "blue" }]);
    }
    const address = { host: "10.213.0.9", port: 5000 };
    await store.advanceInstance(claim, "teal-shop-3-worker-1", "healthy", address);
    await store.prepareSwap(claim, deploy.id, swap.id, SWAP_TIMES);
    await store.commitSwap(claim, {
      ...swap,
      colour: "blue",
      startedBy: "shop-1",
      targets: [first.instance.id],
    });
    for (let i = 0; i < 3; i += 1) {
      await world.elapse(LEASE_MS);
      await store.claim("shop", "one", LEASE_MS);
    }
    t.is((await store.getDeploy("shop-3"))?.state, "live");
    t.deepEqual(
      (await store.listInstances("shop")).map((it) => [it.id, it.state]),
      [
        ["teal-shop-1-web-1", "live"],
        ["teal-shop-2-web-1", "live"],
        ["teal-shop-3-web-1", "retired"],
        ["teal-shop-3-worker-1", "healthy"],
        ["teal-shop-3-worker-2", "retired"],
      ],
      "what is not routed to, or was still being started, is nobody's",
    );
  },
);

both("a deploy that owns the route is live when it is given up", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  const { claim, swap } = await makeReady(store, push("shop"));
  await store.commitSwap(claim, swap);
  for (let i = 0; i < 2; i += 1) {
    await world.elapse(LEASE_MS);
    await claimed(store, "shop");
  }
  await world.elapse(LEASE_MS);
  t.is(await store.claim("shop", "one", LEASE_MS), null);
  const deploy = await store.getDeploy("shop-1");
  t.is(deploy?.state, "live");
  t.false(deploy && "error" in deploy);
});

test.serial("on Redis a lease ends by itself", async (t) => {
  const { store } = await redisWorld();
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  t.truthy(await store.claim("shop", "one", 30));
  let taken = null;
  for (let i = 0; i < 200 && !taken; i += 1) {
    taken = await store.claim("shop", "two", LEASE_MS);
    if (!taken) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.is(taken?.deploy.attempts, 2);
});

test.serial("on Redis the first of many claims at once, over many connections, wins", async (t) => {
  const { store } = await redisWorld();
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const others = Array.from({ length: 5 }, () => createRedisStore(server.connect()));
  const claims = await Promise.all(
    others.map((other, i) => other.claim("shop", `e${i}`, LEASE_MS)),
  );
  t.is(claims.filter((it) => it !== null).length, 1);
});
