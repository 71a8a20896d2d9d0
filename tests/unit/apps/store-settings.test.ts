import test from "ava";
import { keys } from "../../../apps/keys.ts";
import { claimed, refused, startBothStores } from "../../support/both-stores.ts";
import {
  LEASE_MS,
  makeLive,
  makeReady,
  push,
  rollback,
  SWAP_TIMES,
} from "../../support/store-worlds.ts";

const { both, redis, redisWorld } = await startBothStores();

both("settings are empty at first, and change part by part", async (t, { store }) => {
  const none = { staged: {}, formation: {}, domains: [], hold: false, options: {} };
  t.deepEqual(await store.getSettings("shop"), none);
  await refused(t, "app-not-found", store.changeSettings("shop", { hold: true }));
  await store.createApp("shop", "ann");
  await store.changeSettings("shop", { staged: { B: "2", A: "1" }, formation: { web: 3 } });
  await store.changeSettings("shop", { staged: { A: null }, hold: true });
  const now = await store.changeSettings("shop", { addDomains: ["b.example", "a.example"] });
  t.deepEqual(await store.hostOwners(["c.example", "b.example"]), [null, "shop"]);
  t.deepEqual(await store.hostOwners([]), []);
  t.deepEqual(now, {
    staged: { A: null, B: "2" },
    formation: { web: 3 },
    domains: ["a.example", "b.example"],
    hold: true,
    options: {},
  });
  t.deepEqual(await store.getSettings("shop"), now);
  t.false((await store.changeSettings("shop", { hold: false })).hold);
  await store.destroyApp("shop");
  await refused(t, "app-destroyed", store.changeSettings("shop", { hold: true }));
});

both("options change part by part, and null takes one away", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const { options } = await store.changeSettings("shop", {
    options: { build: { root: "apps/web" } },
    hold: true,
  });
  t.deepEqual(options, { build: { root: "apps/web" } });
  const after = await store.changeSettings("shop", { formation: { web: 2 } });
  t.deepEqual(after.options, options);
  t.deepEqual((await store.changeSettings("shop", { options: { build: null } })).options, {});
  t.deepEqual((await store.getSettings("shop")).options, {});
});

both("an executor that was replaced changes no settings", async (t, { store, elapse }) => {
  await store.createApp("shop", "ann");
  await store.requestDeploy(push("shop", { stopped: true }));
  const { claim, deploy } = await claimed(store);
  t.is(deploy.stopped, true);
  const change = { options: { stopped: true as const } };
  t.like(await store.changeSettings("shop", change, claim), change);
  await elapse(LEASE_MS + 50);
  await claimed(store);
  const back = { options: { stopped: null } };
  await refused(t, "fenced", store.changeSettings("shop", back, claim));
  t.like(await store.getSettings("shop"), change);
});

both("staged config is staged until a release that has it is live", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await store.changeSettings("shop", { staged: { A: "1", B: "2", GONE: null } });
  const ready = await makeReady(store, push("shop"), { A: "1", B: "2" });
  await store.changeSettings("shop", { staged: { B: "3" } });
  t.deepEqual((await store.getSettings("shop")).staged, { A: "1", B: "3", GONE: null });
  await store.commitSwap(ready.claim, ready.swap);
  t.deepEqual(
    (await store.getSettings("shop")).staged,
    { B: "3" },
    "set anew since the release was made",
  );
});

both("a push leaves a config change standing, a rollback does not", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const first = await store.requestDeploy(push("shop"));
  const config = await store.requestDeploy(push("shop", { kind: "config" }));
  const scale = await store.requestDeploy(push("shop", { kind: "scale" }));
  const second = await store.requestDeploy(push("shop"));
  const state = async (id: string) => (await store.getDeploy(id))?.state;
  t.is(await state(first.id), "superseded");
  t.is(await state(config.id), "queued");
  t.is(await state(second.id), "queued");
  const again = await store.requestDeploy(push("shop", { kind: "config" }));
  t.like(await store.getDeploy(config.id), { state: "superseded", supersededBy: again.id });
  await store.requestDeploy(rollback("shop"));
  t.is(await state(second.id), "superseded");
  t.is(await state(again.id), "superseded");
  t.is(await state(scale.id), "queued", "how many there are is no matter of releases");
});

both("what is queued is done in the order that it was asked for", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const asked = [];
  for (const kind of ["config", "scale", "push", "domains"] as const) {
    asked.push((await store.requestDeploy(push("shop", { kind }))).id);
  }
  const done = [];
  for (;;) {
    const taken = await store.claim("shop", "one", LEASE_MS);
    if (!taken) break;
    done.push(taken.deploy.id);
    await store.finishDeploy(taken.claim, taken.deploy.id, "live");
    await store.release(taken.claim);
  }
  t.deepEqual(done, asked);
});

both(
  "a rollback asks a running config change to cancel, and a running scale not",
  async (t, { store }) => {
    for (const [name, kind, asked] of [
      ["shop", "config", true],
      ["blog", "scale", false],
    ] as const) {
      await store.createApp(name, "ann");
      const { id } = await store.requestDeploy(push(name, { kind }));
      await store.claim(name, "one", LEASE_MS);
      await store.requestDeploy(rollback(name));
      t.is((await store.getDeploy(id))?.cancelRequested, asked, kind);
    }
  },
);

both("the live route takes other targets and hosts without a swap", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  const live = await makeLive(store, push("shop"));
  await store.requestDeploy(push("shop", { kind: "scale" }));
  const { claim } = await claimed(store);
  const { deploy, release, colour } = live.instance;
  const id = `teal-${deploy}-web-2`;
  await store.recordInstances(claim, [{ id, deploy, release, colour, process: "web", index: 2 }]);
  const targets = [live.instance.id, id];
  const update = { targets, expectedVersion: 1, hosts: ["shop.localhost", "a.example"] };
  await refused(t, "instance-retired", store.updateRoute(claim, update));
  await store.advanceInstance(claim, id, "healthy", { host: "10.213.0.3", port: 5000 });
  await refused(t, "route-conflict", store.updateRoute(claim, { ...update, expectedVersion: 2 }));
  const route = await store.updateRoute(claim, update);
  t.like(route, { version: 2, deploy: live.deploy.id, release: 1, hosts: update.hosts });
  t.deepEqual(
    route.targets.map((target) => target.id),
    targets,
  );
  t.deepEqual((await world.events()).at(-1), { type: "route", route });
  await refused(t, "instance-live", store.retire(claim, [id]));
  await store.updateRoute(claim, { ...update, targets: [id], expectedVersion: 2 });
  await store.retire(claim, [live.instance.id]);
  t.is((await store.getApp("shop"))?.live?.deploy, deploy);
  await refused(
    t,
    "fenced",
    store.updateRoute({ ...claim, token: 0 }, { ...update, expectedVersion: 3 }),
  );
});

both("a route says the policy that it was last given, or none", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  const ready = await makeReady(store, push("shop"));
  const policy = { maintenance: { page: "<p>é</p>" }, maxBodyBytes: 10 };
  const route = await store.commitSwap(ready.claim, { ...ready.swap, policy });
  t.deepEqual(route.policy, policy);
  const update = { targets: ready.swap.targets, hosts: ready.swap.hosts, expectedVersion: 1 };
  const stricter = { ...policy, maxBodyBytes: 5 };
  await store.updateRoute(ready.claim, { ...update, policy: stricter });
  t.deepEqual((await store.getRoute("shop"))?.policy, stricter);
  const plain = await store.updateRoute(ready.claim, { ...update, expectedVersion: 2 });
  t.false("policy" in plain);
  t.deepEqual(await store.getRoute("shop"), plain);
  t.deepEqual((await world.events()).at(-1), { type: "route", route: plain });
});

both("the live route takes no targets of another colour", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const first = await makeLive(store, push("shop"));
  await makeLive(store, push("shop"));
  await store.requestDeploy(push("shop", { kind: "scale" }));
  const { claim } = await claimed(store);
  const update = { targets: [first.instance.id], expectedVersion: 2, hosts: [] };
  await refused(t, "internal", store.updateRoute(claim, update));
  await refused(t, "internal", store.updateRoute(claim, { ...update, targets: [] }));
});

both("removed instances are remembered with their deploy", async (t, { store }) => {
  await store.createApp("shop", "ann");
  const { claim, instance, deploy } = await makeReady(store, push("shop"));
  t.deepEqual(await store.removedInstances(deploy.id), []);
  await store.retire(claim, [instance.id]);
  await store.markGone(instance.id, "removed");
  t.deepEqual(await store.removedInstances(deploy.id), [instance.id]);
});

both(
  "a domain is claimed when it is added, and let go when no route has it",
  async (t, { store }) => {
    await store.createApp("shop", "ann");
    await store.createApp("blog", "ann");
    await store.changeSettings("shop", { addDomains: ["a.example"] });
    await refused(
      t,
      "host-taken",
      store.changeSettings("blog", { addDomains: ["b.example", "a.example"] }),
    );
    t.deepEqual((await store.getSettings("blog")).domains, [], "all or nothing");
    await store.changeSettings("shop", { removeDomains: ["a.example"] });
    await store.changeSettings("blog", { addDomains: ["a.example"] });
    const ready = await makeReady(store, push("blog"));
    await store.commitSwap(ready.claim, { ...ready.swap, hosts: ["blog.localhost", "a.example"] });
    await store.changeSettings("blog", { removeDomains: ["a.example"] });
    await refused(t, "host-taken", store.changeSettings("shop", { addDomains: ["a.example"] }));
    const update = { targets: [ready.instance.id], expectedVersion: 1, hosts: ["blog.localhost"] };
    await store.updateRoute(ready.claim, update);
    await store.changeSettings("shop", { addDomains: ["a.example"] });
    await store.destroyApp("shop");
    await store.changeSettings("blog", { addDomains: ["a.example"] });
    t.deepEqual((await store.getSettings("blog")).domains, ["a.example"]);
  },
);

both(
  "a domain that the route does not have yet stays claimed through a swap",
  async (t, { store }) => {
    await store.createApp("shop", "ann");
    await store.createApp("blog", "ann");
    const { claim, swap } = await makeReady(store, push("shop"));
    await store.commitSwap(claim, { ...swap, hosts: ["shop.localhost", "a.example"] });
    await store.changeSettings("shop", { addDomains: ["a.example"] });
    const update = { targets: swap.targets, expectedVersion: 1, hosts: ["shop.localhost"] };
    await store.updateRoute(claim, update);
    await refused(t, "host-taken", store.changeSettings("blog", { addDomains: ["a.example"] }));
  },
);

both(
  "a held version waits in the idle colour, and goes when another is held or swapped to",
  async (t, { store }) => {
    await store.createApp("shop", "ann");
    await makeLive(store, push("shop"));
    await refused(t, "nothing-held", store.dropHeld("shop"));
    const hold = async () => {
      const ready = await makeReady(store, push("shop", { hold: true }));
      const { release, colour, targets } = ready.swap;
      await store.holdColour(ready.claim, {
        deploy: ready.deploy.id,
        release,
        colour,
        targets,
        note: "promote it",
      });
      await store.release(ready.claim);
      return ready;
    };
    const state = async (id: string) =>
      (await store.listInstances("shop")).find((it) => it.id === id)?.state;
    const first = await hold();
    t.like(await store.getDeploy(first.deploy.id), {
      state: "held",
      error: "promote it",
      hold: true,
    });
    t.like((await store.getApp("shop"))?.held, {
      release: 2,
      colour: "green",
      deploy: first.deploy.id,
    });
    t.is((await store.getRoute("shop"))?.version, 1);
    const second = await hold();
    t.is(await state(first.instance.id), "retired");
    t.is(await state(second.instance.id), "healthy");
    await store.dropHeld("shop");
    t.is(await state(second.instance.id), "retired");
    t.is((await store.getApp("shop"))?.held, null);
    await hold();
    await makeLive(store, push("shop"));
    t.is((await store.getApp("shop"))?.held, null);
  },
);

both("a held version is swapped to by another deploy", async (t, { store }) => {
  await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  const held = await makeReady(store, push("shop", { hold: true }));
  const { release, colour, targets } = held.swap;
  await store.holdColour(held.claim, {
    deploy: held.deploy.id,
    release,
    colour,
    targets,
    note: "",
  });
  await store.release(held.claim);
  const { id } = await store.requestDeploy(push("shop", { kind: "promote", toRelease: release }));
  const taken = await claimed(store);
  await store.prepareSwap(taken.claim, id, "s", SWAP_TIMES);
  await store.commitSwap(taken.claim, { ...held.swap, id: "s", deploy: id, expectedVersion: 1 });
  t.like(await store.getApp("shop"), { held: null, live: { deploy: held.deploy.id, release } });
});

test.serial("on Redis a forgotten app leaves no settings", async (t) => {
  const { store } = await redisWorld();
  const app = await store.createApp("shop", "ann");
  await store.changeSettings("shop", { staged: { A: "1" }, addDomains: ["a.example"] });
  await store.destroyApp("shop");
  await store.forgetApp("shop", app.id);
  t.is(await redis.exists(keys.settings("shop")), 0);
  t.is(await redis.hlen(keys.hosts), 0);
});

both("a wildcard is the names under it that nobody has", async (t, { store }) => {
  for (const name of ["shop", "blog"]) await store.createApp(name, "ann");
  const add = (app: string, ...addDomains: string[]) => store.changeSettings(app, { addDomains });
  await add("blog", "first.shop.example");
  await add("shop", "*.shop.example");
  const taken = (app: string, ...hosts: string[]) => refused(t, "host-taken", add(app, ...hosts));
  await taken("blog", "www.shop.example");
  await taken("blog", "*.shop.example");
  await taken("shop", "first.shop.example");
  await add("blog", "a.b.shop.example", "shop.example", "*.b.shop.example");
  await add("shop", "www.shop.example");
  // A route with names that were there first is written as before.
  const ready = await makeReady(store, push("blog"));
  const hosts = ["blog.localhost", "first.shop.example"];
  t.deepEqual((await store.commitSwap(ready.claim, { ...ready.swap, hosts })).hosts, hosts);
  const more = { targets: ready.swap.targets, expectedVersion: 1 };
  const update = store.updateRoute(ready.claim, { ...more, hosts: [...hosts, "x.shop.example"] });
  await refused(t, "host-taken", update);
  await store.changeSettings("shop", { removeDomains: ["*.shop.example"] });
  await add("blog", "free.shop.example");
});
