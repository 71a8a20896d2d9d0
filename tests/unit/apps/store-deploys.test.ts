import { claimed, refused, startBothStores } from "../../support/both-stores.ts";
import { LEASE_MS, push, rollback, SWAP_TIMES } from "../../support/store-worlds.ts";

const { both } = await startBothStores();

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
  async (t, { store }) => {
    await store.createApp("shop", "ann");
    await store.requestDeploy(push("shop"));
    const { claim } = await claimed(store, "shop");
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
    t.is((await claimed(store, "shop")).deploy.id, "shop-3");
  },
);

both(
  "a rollback asks a running push to cancel, and a running rollback not",
  async (t, { store }) => {
    await store.createApp("shop", "ann");
    await store.requestDeploy(push("shop"));
    const { claim } = await claimed(store, "shop");
    await store.requestDeploy(rollback("shop"));
    t.like(await store.getDeploy("shop-1"), {
      state: "running",
      cancelRequested: true,
      error: "rolled back",
    });
    await store.finishDeploy(claim, "shop-1", "cancelled");
    t.like(await store.getDeploy("shop-1"), { state: "cancelled", error: "rolled back" });
    await store.release(claim);
    t.is((await claimed(store, "shop")).deploy.toRelease, 1);
    await store.requestDeploy(rollback("shop"));
    t.like(await store.getDeploy("shop-2"), { state: "running", cancelRequested: false });
  },
);

both("a queued deploy is cancelled at once, a running one is asked to", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  t.like(await store.cancelDeploy("shop-1", "a mistake"), {
    state: "cancelled",
    error: "a mistake",
  });
  t.is(await store.claim("shop", "one", LEASE_MS), null);
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(store, "shop");
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

both("a deploy has exactly one final state", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(store, "shop");
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

both("a step is written once and read back as it was", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(store, "shop");
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

both("200 finished deploys are kept", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop"));
  const { claim } = await claimed(store, "shop");
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
