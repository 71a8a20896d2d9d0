import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { RouterReport } from "../../../router/contract.ts";
import { createReaper } from "../../../workers/reaper.ts";
import { createMemoryStore, type MemoryStore } from "../../support/memory-store.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const DRAIN_MS = 1000;

/** An app with v2 live and v1's instance just retired, and a reaper that notes what it stops. */
async function world(gone: string[] = [], stopping: Promise<void> = Promise.resolve()) {
  let clock = 1000;
  const store = createMemoryStore({ now: () => clock, publish() {} });
  await store.createApp("shop", "test");
  await goLive(store, "c1", "blue", 0);
  await goLive(store, "c2", "green", 1);
  await goLive(store, "c3", "blue", 2);
  const stopped: string[] = [];
  const reaper = createReaper({
    store,
    effects: {
      async stopContainer(id) {
        stopped.push(id);
        await stopping;
      },
      async removeContainer() {},
    },
    drainMs: DRAIN_MS,
    isGone: (router) => gone.includes(router.id),
    reach() {},
    now: () => clock,
    log: SILENT,
  });
  const version = (await store.getApp("shop"))?.routeVersion ?? 0;
  const report = (about: Partial<RouterReport> = {}, leaseMs = 60_000) =>
    store.heartbeat(
      { id: "r1", host: "h", pid: 1, acks: { shop: version }, busy: {}, ...about },
      clock + leaseMs,
    );
  return {
    store,
    reaper,
    stopped,
    version,
    report,
    pass: () => reaper.pass("shop"),
    wait: (ms: number) => (clock += ms),
  };
}

async function goLive(
  store: MemoryStore,
  commit: string,
  colour: "blue" | "green",
  version: number,
) {
  const deploy = await store.requestDeploy({ app: "shop", kind: "push", commit, by: "t", why: "" });
  const taken = await store.claim("shop", "e", 60_000);
  if (!taken) throw new Error("no claim");
  const { claim } = taken;
  const id = `t-${deploy.id}-web-1`;
  const release = await store.createRelease(claim, {
    ...{ deploy: deploy.id, kind: "push", commit, image: "sha256:1", imageBytes: 1 },
    ...{ processes: { web: "x" }, formation: { web: 1 }, port: 5000, by: "t", why: "" },
  });
  await store.recordInstances(claim, [
    { id, deploy: deploy.id, release: release.n, colour, process: "web", index: 1 },
  ]);
  await store.advanceInstance(claim, id, "started", { host: "10.0.0.2", port: 5000 });
  await store.advanceInstance(claim, id, "healthy");
  await store.prepareSwap(claim, deploy.id, commit, { commitMs: 1000, holdMs: 2000 });
  await store.commitSwap(claim, {
    ...{ id: commit, deploy: deploy.id, release: release.n, colour, startedBy: deploy.id },
    ...{ targets: [id], expectedVersion: version, hosts: ["shop.test"], drainMs: DRAIN_MS },
  });
  if (version === 2) await store.retire(claim, ["t-shop-1-web-1"]);
  await store.finishDeploy(claim, deploy.id, "live");
  await store.release(claim);
}

test("what every router has let go is stopped and forgotten", async (t) => {
  const { store, stopped, report, pass } = await world();
  report();
  t.false(await pass());
  t.deepEqual(stopped, ["t-shop-1-web-1"]);
  t.is((await store.listInstances("shop")).length, 2);
});

test("a router that has not acknowledged is waited for, however long", async (t) => {
  const { stopped, report, pass, wait, version } = await world();
  report({ acks: { shop: version - 1 } });
  t.true(await pass());
  wait(DRAIN_MS * 100);
  report({ acks: { shop: version - 1 } });
  t.true(await pass());
  t.deepEqual(stopped, []);
});

test("open requests are waited for until the drain time is over", async (t) => {
  const { stopped, report, pass, wait } = await world();
  report({ busy: { "t-shop-1-web-1": 1 } });
  t.true(await pass());
  wait(DRAIN_MS - 1);
  t.true(await pass());
  wait(1);
  t.false(await pass());
  t.deepEqual(stopped, ["t-shop-1-web-1"]);
});

test("a router whose lease ran out still counts while its process may live", async (t) => {
  const { stopped, report, pass, wait, version } = await world();
  report({ acks: { shop: version - 1 } }, 10);
  wait(60_000);
  t.true(await pass());
  t.deepEqual(stopped, []);
});

test("a router that is gone is not waited for", async (t) => {
  const { stopped, report, pass, wait, version } = await world(["r1"]);
  report({ acks: { shop: version - 1 } }, 10);
  t.true(await pass());
  wait(60_000);
  t.false(await pass());
  t.deepEqual(stopped, ["t-shop-1-web-1"]);
});

test("a router that never heard of the app is waited for while the app has a route", async (t) => {
  const { stopped, report, pass } = await world();
  report({ acks: {} });
  t.true(await pass());
  t.deepEqual(stopped, []);
});

test("close ends what is waited for", async (t) => {
  const { reaper, report, version } = await world();
  report({ acks: { shop: version - 1 } });
  reaper.reap("shop");
  await reaper.close();
  t.pass();
});

test("what takes hours to stop is told once, and the reaper goes on looking", async (t) => {
  const stop = Promise.withResolvers<void>();
  const { store, reaper, stopped, report } = await world([], stop.promise);
  report();
  reaper.reap("shop");
  await sleep(3000);
  t.is(stopped.length, 1);
  const [slow] = (await store.listInstances("shop")).filter(({ state }) => state === "retired");
  t.is(slow?.id, stopped[0]);
  stop.resolve();
  await sleep(300);
  t.is(
    (await store.listInstances("shop")).find(({ id }) => id === slow?.id),
    undefined,
  );
  t.is(stopped.length, 1);
  await reaper.close();
});
