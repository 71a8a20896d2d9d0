import test, { type ExecutionContext } from "ava";
import { isTealError, type ErrorCode } from "../../../apps/errors.ts";
import { keys } from "../../../apps/keys.ts";
import { createRedisStore } from "../../../apps/store-redis.ts";
import type { Claim, Swap } from "../../../apps/store.ts";
import type { Deploy, Instance } from "../../../apps/types.ts";
import {
  LEASE_MS,
  makeLive,
  makeReady,
  memoryWorld,
  push,
  rollback,
  startRedisWorlds,
  SWAP_TIMES,
  type World,
} from "../../support/store-worlds.ts";

const { server, redis, world: redisWorld } = await startRedisWorlds();
test.after.always(() => server.stop());

/** The same case against each implementation, one after the other. */
function both(title: string, run: (t: ExecutionContext, world: World) => Promise<void>): void {
  test.serial(`${title} (memory)`, (t) => run(t, memoryWorld()));
  test.serial(`${title} (Redis)`, async (t) => run(t, await redisWorld()));
}

async function refused(
  t: ExecutionContext,
  code: ErrorCode,
  promise: Promise<unknown>,
): Promise<string> {
  const error = await t.throwsAsync(promise);
  t.true(isTealError(error, code), `${code} was expected, and ${String(error)} came`);
  return error?.message ?? "";
}

async function claimed(
  world: World,
  app: string,
  executor = "one",
): Promise<{ claim: Claim; deploy: Deploy }> {
  const taken = await world.store.claim(app, executor, LEASE_MS);
  if (!taken) throw new Error("nothing to claim");
  return taken;
}

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

both("an intent is on record before anything else, with all its words", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const why = 'naïve “quotes”, {"json": []}\nand a line';
  const deploy = await store.requestDeploy(push("shop", { why }));
  t.like(deploy, {
    id: "shop-1",
    seq: 1,
    app: "shop",
    kind: "push",
    why,
    state: "queued",
    attempts: 0,
  });
  t.false("toRelease" in deploy);
  t.false(deploy.cancelRequested);
  t.deepEqual(await store.getDeploy("shop-1"), deploy);
  t.deepEqual(await store.appsWithWork(), ["shop"]);
  t.is(await store.getDeploy("shop-2"), null);
  await refused(t, "app-not-found", store.requestDeploy(push("other")));
});

both(
  "the newest push supersedes those still queued, and never the running one",
  async (t, world) => {
    const { store } = world;
    await store.createApp("shop", "ann");
    await store.requestDeploy(push("shop"));
    const { claim } = await claimed(world, "shop");
    await store.requestDeploy(push("shop"));
    await store.requestDeploy(push("shop"));
    const [third, second, first] = await store.listDeploys("shop", 10);
    t.like(first, { id: "shop-1", state: "running", cancelRequested: false });
    t.like(second, {
      id: "shop-2",
      state: "superseded",
      supersededBy: "shop-3",
      error: "superseded by shop-3",
    });
    t.like(third, { id: "shop-3", state: "queued" });
    t.deepEqual(
      (await store.listDeploys("shop", 1)).map((it) => it.id),
      ["shop-3"],
    );
    t.deepEqual(await store.listDeploys("shop", 0), []);
    await store.finishDeploy(claim, "shop-1", "failed", "no");
    t.true(await store.release(claim));
    t.is((await claimed(world, "shop")).deploy.id, "shop-3");
  },
);

both("a rollback asks a running push to cancel, and a running rollback not", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(world, "shop");
  await store.requestDeploy(rollback("shop"));
  t.like(await store.getDeploy("shop-1"), {
    state: "running",
    cancelRequested: true,
    error: "rolled back",
  });
  await store.finishDeploy(claim, "shop-1", "cancelled");
  t.like(await store.getDeploy("shop-1"), { state: "cancelled", error: "rolled back" });
  await store.release(claim);
  t.is((await claimed(world, "shop")).deploy.toRelease, 1);
  await store.requestDeploy(rollback("shop"));
  t.like(await store.getDeploy("shop-2"), { state: "running", cancelRequested: false });
});

both("a queued deploy is cancelled at once, a running one is asked to", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  t.like(await store.cancelDeploy("shop-1", "a mistake"), {
    state: "cancelled",
    error: "a mistake",
  });
  t.is(await store.claim("shop", "one", LEASE_MS), null);
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(world, "shop");
  t.like(await store.cancelDeploy("shop-2", "enough"), { state: "running", cancelRequested: true });
  const message = await refused(
    t,
    "deploy-cancelled",
    store.prepareSwap(claim, "shop-2", "s", SWAP_TIMES),
  );
  t.regex(message, /^Deploy shop-2 was cancelled: enough\./);
  await store.finishDeploy(claim, "shop-2", "cancelled");
  await refused(t, "deploy-finished", store.cancelDeploy("shop-2", "again"));
  for (const id of ["shop-9", "nonsense", "", "*"]) {
    await refused(t, "deploy-not-found", store.cancelDeploy(id, "x"));
  }
});

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
  const taken = await claimed(world, "shop", "two");
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

both("who has released a claim writes no more", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(world, "shop");
  t.true(await store.release(claim), "the deploy is still running");
  t.false(await store.renew(claim, "one", LEASE_MS));
  await refused(t, "fenced", store.recordStep(claim, "shop-1", "late", 1));
  t.like((await claimed(world, "shop", "two")).deploy, { id: "shop-1", attempts: 2 });
});

both("a takeover calls off the dead executor's hold, and a release one's own", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  const times = { commitMs: 2 * LEASE_MS, holdMs: 3 * LEASE_MS };
  const { claim, deploy, swap } = await makeReady(store, push("shop"));
  await store.prepareSwap(claim, deploy.id, swap.id, times);
  await world.elapse(LEASE_MS);
  const { claim: second } = await claimed(world, "shop", "two");
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
    t.like((await claimed(world, "shop")).deploy, { id: "shop-1", attempts });
    await world.elapse(LEASE_MS);
  }
  await store.requestDeploy(push("shop"));
  t.like((await claimed(world, "shop")).deploy, { id: "shop-2", attempts: 1 });
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
      claims.push((await claimed(world, "shop")).claim);
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
    await claimed(world, "shop");
  }
  await world.elapse(LEASE_MS);
  t.is(await store.claim("shop", "one", LEASE_MS), null);
  const deploy = await store.getDeploy("shop-1");
  t.is(deploy?.state, "live");
  t.false(deploy && "error" in deploy);
});

both("a deploy has exactly one final state", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(world, "shop");
  await store.finishDeploy(claim, "shop-1", "failed", "the first word");
  const first = await store.getDeploy("shop-1");
  for (const state of ["live", "failed", "cancelled", "superseded"] as const) {
    await store.finishDeploy(claim, "shop-1", state, "another");
  }
  t.deepEqual(await store.getDeploy("shop-1"), first);
  t.like(first, { state: "failed", error: "the first word" });
  t.deepEqual(await store.appsWithWork(), []);
  await refused(t, "deploy-not-found", store.finishDeploy(claim, "shop-7", "live"));
});

both("a step is written once and read back as it was", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(world, "shop");
  const result = {
    empty: [],
    none: {},
    big: 12_345_678_901_234,
    half: 0.5,
    text: "a\u0000/é",
    nested: [[]],
  };
  await store.recordStep(claim, "shop-1", "image-built", result);
  await store.recordStep(claim, "shop-1", "image-built", "again");
  await store.recordStep(claim, "shop-1", "healthy", undefined);
  t.deepEqual(await store.getSteps("shop-1"), { "image-built": result, healthy: null });
  t.deepEqual(await store.getSteps("shop-2"), {});
  await store.createApp("other", "ann");
  await refused(t, "deploy-not-found", store.recordStep(claim, "other-1", "x", 1));
});

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

both("instances get the lowest free slots from 2, up to 62", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(world, "shop");
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

both("a swap writes route, live and standby, and tells the routers", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  const first = await makeLive(store, push("shop"));
  const route = await store.getRoute("shop");
  t.deepEqual(route, {
    app: "shop",
    version: 1,
    colour: "blue",
    release: 1,
    deploy: "shop-1",
    hosts: ["shop.localhost"],
    targets: [{ id: "teal-shop-1-web-1", host: "10.213.0.2", port: 5000 }],
    drainMs: 30_000,
  });
  t.like(await store.getApp("shop"), {
    routeVersion: 1,
    live: { colour: "blue", deploy: "shop-1" },
    standby: null,
  });

  const second = await makeLive(store, push("shop"));
  const app = await store.getApp("shop");
  t.like(app, { routeVersion: 2, live: { colour: "green", release: 2, deploy: "shop-2" } });
  t.like(app, { standby: { colour: "blue", release: 1, deploy: "shop-1" } });
  t.deepEqual(
    (await store.listInstances("shop")).map((it) => it.state),
    ["live", "live"],
  );
  t.deepEqual(
    (await world.events()).map((it) => it.type),
    ["prepare", "route", "prepare", "route", "idle"],
  );
  const [, event] = await world.events();
  t.deepEqual(event, {
    type: "route",
    route: route as NonNullable<typeof route>,
    swap: first.swap.id,
  });

  await refused(t, "fenced", store.commitSwap(second.claim, second.swap));
});

both("a warm rollback swaps live and standby", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const first = await makeLive(store, push("shop"));
  await makeLive(store, push("shop"));
  const back = await makeReady(store, rollback("shop"));
  await store.prepareSwap(back.claim, back.deploy.id, back.swap.id, SWAP_TIMES);
  await store.commitSwap(back.claim, {
    ...back.swap,
    colour: "blue",
    startedBy: "shop-1",
    targets: [first.instance.id],
  });
  t.like(await store.getApp("shop"), {
    routeVersion: 3,
    live: { colour: "blue", release: 3, deploy: "shop-1" },
    standby: { colour: "green", release: 2, deploy: "shop-2" },
  });
});

both("a third release makes the first nobody's", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  await makeLive(store, push("shop"));
  await makeLive(store, push("shop"));
  t.like(await store.getApp("shop"), { live: { deploy: "shop-3" }, standby: { deploy: "shop-2" } });
});

both("a release that stays on the same instances keeps the standby", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  const second = await makeLive(store, push("shop"));
  const again = await makeReady(store, push("shop"));
  await store.prepareSwap(again.claim, again.deploy.id, again.swap.id, SWAP_TIMES);
  await store.commitSwap(again.claim, {
    ...again.swap,
    colour: "green",
    startedBy: "shop-2",
    targets: [second.instance.id],
  });
  t.like(await store.getApp("shop"), {
    live: { deploy: "shop-2", release: 3 },
    standby: { deploy: "shop-1" },
  });
});

both(
  "a commit is idempotent, and takes back a hold that a resumed executor prepared",
  async (t, world) => {
    const { store } = world;
    await store.createApp("shop", "ann");
    const { claim, deploy, swap } = await makeReady(store, push("shop"));
    const route = await store.commitSwap(claim, swap);
    await store.prepareSwap(claim, deploy.id, "again", SWAP_TIMES);
    await store.cancelDeploy(deploy.id, "too late");
    t.deepEqual(
      await store.commitSwap(claim, { ...swap, expectedVersion: 1, hosts: ["x.localhost"] }),
      route,
    );
    t.is((await store.getApp("shop"))?.routeVersion, 1);
    t.deepEqual(
      (await world.events()).map((it) => it.type),
      ["route", "prepare", "unhold"],
    );
  },
);

both("a commit after the hold has expired, or without one, is refused", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  const route = await store.getRoute("shop");
  const { claim, deploy, swap } = await makeReady(store, push("shop"));
  await refused(t, "hold-expired", store.commitSwap(claim, swap));
  await store.prepareSwap(claim, deploy.id, swap.id, SWAP_TIMES);
  await world.elapse(SWAP_TIMES.commitMs);
  await refused(t, "hold-expired", store.commitSwap(claim, swap));
  await store.prepareSwap(claim, deploy.id, swap.id, SWAP_TIMES);
  await store.prepareSwap(claim, deploy.id, "another", SWAP_TIMES);
  await refused(t, "hold-expired", store.commitSwap(claim, swap));
  await store.prepareSwap(claim, deploy.id, swap.id, SWAP_TIMES);
  await store.abandonSwap(claim, swap.id);
  await refused(t, "hold-expired", store.commitSwap(claim, swap));
  t.deepEqual(await store.getRoute("shop"), route);
  t.is((await world.events()).filter((it) => it.type === "route").length, 1);
});

both("a route is written only over the version that was seen", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  const { claim, deploy, swap } = await makeReady(store, push("shop"));
  await store.prepareSwap(claim, deploy.id, swap.id, SWAP_TIMES);
  const message = await refused(
    t,
    "route-conflict",
    store.commitSwap(claim, { ...swap, expectedVersion: 7 }),
  );
  t.regex(message, /expected at version 7, and is at 1/);
  await store.commitSwap(claim, swap);
});

both("a cancelled or ended deploy is not swapped in", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const { claim, deploy, swap } = await makeReady(store, push("shop"));
  await store.requestDeploy(rollback("shop"));
  await refused(t, "deploy-cancelled", store.commitSwap(claim, swap));
  await store.finishDeploy(claim, deploy.id, "failed", "no");
  await refused(t, "deploy-cancelled", store.commitSwap(claim, swap));
  await store.release(claim);
  const next = await makeReady(store, push("shop"));
  await store.finishDeploy(next.claim, next.deploy.id, "failed", "no");
  await refused(t, "deploy-finished", store.commitSwap(next.claim, next.swap));
  t.is(await store.getRoute("shop"), null);
});

both(
  "targets are healthy, known and at an address, and there is at least one",
  async (t, { store }) => {
    await store.createApp("shop", "ann");
    const { claim, swap, deploy } = await makeReady(store, push("shop"));
    const [bare] = await store.recordInstances(claim, [
      {
        id: "teal-shop-1-web-2",
        deploy: deploy.id,
        release: 1,
        colour: "blue",
        process: "web",
        index: 2,
      },
    ]);
    const with2 = { ...swap, targets: [...swap.targets, bare?.id ?? ""] };
    t.regex(
      await refused(t, "instance-retired", store.commitSwap(claim, with2)),
      /web-2 is created/,
    );
    await store.advanceInstance(claim, bare?.id ?? "", "healthy");
    t.regex(await refused(t, "internal", store.commitSwap(claim, with2)), /no address/);
    await refused(t, "internal", store.commitSwap(claim, { ...swap, targets: [] }));
    await refused(
      t,
      "instance-retired",
      store.commitSwap(claim, { ...swap, targets: ["teal-none"] }),
    );
    t.is(await store.getRoute("shop"), null);
  },
);

both(
  "rollback against retirement: what is retired is never live again, what is live is never retired",
  async (t, { store }) => {
    await store.createApp("shop", "ann");
    const first = await makeLive(store, push("shop"));
    await makeLive(store, push("shop"));
    const back = await makeReady(store, rollback("shop"));
    const warm: Swap = {
      ...back.swap,
      colour: "blue",
      startedBy: "shop-1",
      targets: [first.instance.id],
    };
    await store.prepareSwap(back.claim, back.deploy.id, warm.id, SWAP_TIMES);

    await refused(
      t,
      "instance-live",
      store.retire(back.claim, [first.instance.id, "teal-shop-2-web-1"]),
    );
    t.is((await store.listInstances("shop"))[0]?.state, "live", "none of them was retired");
    const [retired] = await store.retire(back.claim, [first.instance.id]);
    t.like(retired, { state: "retired", retiredVersion: 2 });
    t.is((await store.getApp("shop"))?.standby, null);
    const message = await refused(t, "instance-retired", store.commitSwap(back.claim, warm));
    t.regex(message, /teal-shop-1-web-1 is retired/);
    t.is((await store.getRoute("shop"))?.version, 2);

    await store.commitSwap(back.claim, back.swap);
    await refused(t, "instance-live", store.retire(back.claim, [back.instance.id]));
    await store.retire(back.claim, ["teal-shop-2-web-1"]);
  },
);

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

both("200 finished deploys are kept", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(world, "shop");
  await store.recordStep(claim, "shop-1", "a", 1);
  for (let i = 2; i <= 203; i += 1) await store.requestDeploy(push("shop"));
  const kept = await store.listDeploys("shop", 1000);
  t.deepEqual([kept.length, kept[0]?.id, kept.at(-1)?.id], [202, "shop-203", "shop-1"]);
  t.is(await store.getDeploy("shop-2"), null);
  t.is((await store.getDeploy("shop-3"))?.state, "superseded");
  await store.finishDeploy(claim, "shop-1", "failed", "no");
  t.is(await store.getDeploy("shop-1"), null);
  t.deepEqual(await store.getSteps("shop-1"), {});
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

test.serial("on Redis the scripts are loaded anew after it has forgotten them", async (t) => {
  const { store } = await redisWorld();
  await store.createApp("shop", "ann");
  await redis.script("FLUSH");
  await store.createApp("blog", "ann");
  t.is((await store.listApps()).length, 2);
});

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
