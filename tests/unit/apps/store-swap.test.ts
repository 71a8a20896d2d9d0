import type { Store, Swap } from "../../../apps/store.ts";
import { refused, startBothStores } from "../../support/both-stores.ts";
import { makeLive, makeReady, push, rollback, SWAP_TIMES } from "../../support/store-worlds.ts";

const { both } = await startBothStores();

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

/** Swaps, for a deploy of this wish, to what another one has started in `colour`. */
async function swapTo(
  store: Store,
  wish: Parameters<typeof makeReady>[1],
  colour: "blue" | "green",
  { deploy, instance }: Awaited<ReturnType<typeof makeLive>>,
): Promise<void> {
  const ready = await makeReady(store, wish);
  await store.prepareSwap(ready.claim, ready.deploy.id, ready.swap.id, SWAP_TIMES);
  const running = { colour, startedBy: deploy.id, targets: [instance.id] };
  await store.commitSwap(ready.claim, { ...ready.swap, ...running });
}

both("a warm rollback swaps live and standby", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const first = await makeLive(store, push("shop"));
  await makeLive(store, push("shop"));
  await swapTo(store, rollback("shop"), "blue", first);
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
  await swapTo(store, push("shop"), "green", second);
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
