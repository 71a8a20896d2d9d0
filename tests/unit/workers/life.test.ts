import test from "ava";
import { createWorld, type World } from "../../support/world.ts";

/** A world where one thing is done after the other, its app `a` live with the commit `good1`. */
async function quietWorld() {
  const world = createWorld({ schedule: (done) => done });
  await world.store.createApp("a", "test");
  const work = async () => {
    await world.executors[0]?.work("a");
    await world.reapers[0]?.pass("a");
  };
  const push = async (commit: string, hold?: boolean) => {
    const more = hold === undefined ? {} : { hold };
    const { id } = await world.request({ app: "a", kind: "push", commit, ...more });
    await work();
    return world.store.getDeploy(id);
  };
  await push("good1");
  return { world, work, push };
}

async function running(world: World): Promise<string[]> {
  const app = await world.store.getApp("a");
  const names = (await world.store.listInstances("a")).map((it) => {
    const where = app?.live?.colour === it.colour ? "live" : it.colour;
    return `${it.process}.${it.index} ${where} ${it.state}`;
  });
  return names.toSorted();
}

async function live(world: World) {
  const app = await world.store.getApp("a");
  return app?.live ? world.store.getRelease("a", app.live.release) : null;
}

test("config makes a release of the live image, and a later rollback takes it back", async (t) => {
  const { world, work, push } = await quietWorld();
  await world.configure("a", "x");
  await work();
  t.like(await live(world), { n: 2, kind: "config", commit: "good1", config: { C: "x" } });
  t.deepEqual((await world.store.getSettings("a")).staged, {});
  await push("good2");
  t.like(await live(world), { n: 3, commit: "good2", config: { C: "x" } });
  await world.request({ app: "a", kind: "rollback", toRelease: 1 });
  await work();
  t.like(await live(world), { n: 4, commit: "good1", config: {}, rollbackOf: 1 });
  await push("good3");
  t.like(await live(world), { n: 5, config: {} }, "what was rolled back is not set again");
});

test("the buildpacks that were fetched stay with the image, in every release that is made of it", async (t) => {
  const { world, work, push } = await quietWorld();
  await push("packed1");
  const buildpacks = ["https://example.com/a#packed1"];
  t.like(await live(world), { n: 2, buildpacks });
  await world.configure("a", "x");
  await work();
  t.like(await live(world), { n: 3, kind: "config", buildpacks });
  await push("good2");
  t.is((await live(world))?.buildpacks, undefined);
  await world.request({ app: "a", kind: "rollback", toRelease: 2 });
  await work();
  t.like(await live(world), { n: 5, rollbackOf: 2, buildpacks });
});

test("staged config waits for the next release, whatever is rolled back meanwhile", async (t) => {
  const { world, work, push } = await quietWorld();
  await push("good2");
  await world.store.changeSettings("a", { staged: { C: "x" } });
  await world.request({ app: "a", kind: "rollback", toRelease: 1 });
  await work();
  t.like(await live(world), { config: {} });
  await push("good3");
  t.like(await live(world), { config: { C: "x" } });
});

test("a rollback of the code keeps the config, and one of the config keeps the code", async (t) => {
  const { world, work, push } = await quietWorld();
  await world.configure("a", "x");
  await work();
  await push("good2");
  await world.request({ app: "a", kind: "rollback", toRelease: 1, part: "code" });
  await work();
  t.like(await live(world), { commit: "good1", config: { C: "x" } });
  await push("good3");
  await world.request({ app: "a", kind: "rollback", toRelease: 1, part: "config" });
  await work();
  t.like(await live(world), { commit: "good3", config: {} });
});

test("a push that fails loses no config change that was asked for before it", async (t) => {
  const { world, work } = await quietWorld();
  await world.configure("a", "x");
  await world.request({ app: "a", kind: "push", commit: "bad" });
  await work();
  t.like(await live(world), { kind: "config", commit: "good1", config: { C: "x" } });
});

test("a restart serves the same release's content from the other colour", async (t) => {
  const { world, work } = await quietWorld();
  await world.configure("a", "x");
  await work();
  await world.request({ app: "a", kind: "restart" });
  await work();
  t.like(await live(world), { n: 3, kind: "restart", commit: "good1", config: { C: "x" } });
  t.is((await world.store.getApp("a"))?.live?.colour, "blue");
});

test("scaling up and down changes the route and no release", async (t) => {
  const { world, work } = await quietWorld();
  await world.scale("a", { web: 3, worker: 2 });
  await work();
  t.deepEqual(await running(world), [
    ...["web.1 live live", "web.2 live live", "web.3 live live"],
    ...["worker.1 live healthy", "worker.2 live healthy"],
  ]);
  t.like(await world.store.getRoute("a"), { version: 2, release: 1, deploy: "a-1" });
  await world.scale("a", { web: 1, worker: 0 });
  await work();
  t.deepEqual(await running(world), ["web.1 live live"]);
  await world.scale("a", { web: 2, worker: 1 });
  await work();
  t.deepEqual(
    await running(world),
    ["web.1 live live", "web.4 live live", "worker.3 live healthy"],
    "numbers of removed instances are not used again",
  );
  t.deepEqual(world.violations, []);
});

test("a warm standby is brought to the formation before it is swapped to", async (t) => {
  const { world, work, push } = await quietWorld();
  await push("good2");
  await world.scale("a", { web: 3 });
  await work();
  await world.request({ app: "a", kind: "rollback", toRelease: 1 });
  await work();
  const route = await world.store.getRoute("a");
  t.deepEqual(
    route?.targets.map(({ id }) => id),
    ["t-a-1-web-1", "t-a-1-web-2", "t-a-1-web-3"],
  );
});

test("a held version waits with its web alone, until it is promoted as it is", async (t) => {
  const { world, work, push } = await quietWorld();
  t.like(await push("good2", true), { state: "held", release: 2 });
  const before = ["web.1 green healthy", "web.1 live live", "worker.1 live healthy"];
  t.deepEqual(await running(world), before);
  t.like(await live(world), { commit: "good1" });
  await world.promote("a");
  await work();
  t.like(await live(world), { n: 3, kind: "promote", commit: "good2" });
  t.is((await world.store.getApp("a"))?.live?.deploy, "a-2", "the same instances");
  const after = ["web.1 blue live", "web.1 live live", "worker.1 live healthy"];
  t.deepEqual(await running(world), after);
});

test("what was aborted, or followed by another release, is promoted no more", async (t) => {
  const { world, work, push } = await quietWorld();
  for (const end of [() => world.store.dropHeld("a"), () => push("good3")]) {
    await push("good2", true);
    const release = (await world.store.getApp("a"))?.held?.release ?? 0;
    await end();
    await world.reapers[0]?.pass("a");
    t.is((await world.store.getApp("a"))?.held, null);
    const { id } = await world.request({ app: "a", kind: "promote", toRelease: release });
    await work();
    t.like(await world.store.getDeploy(id), { state: "failed" });
    t.not((await live(world))?.commit, "good2");
  }
});

test("domains are answered for without a new release", async (t) => {
  const { world, work, push } = await quietWorld();
  await world.store.changeSettings("a", { addDomains: ["shop.example"] });
  await world.request({ app: "a", kind: "domains" });
  await work();
  const answers = { version: 2, release: 1, hosts: ["a.test", "shop.example"] };
  t.like(await world.store.getRoute("a"), answers);
  await push("good2");
  t.like(await world.store.getRoute("a"), { version: 3, hosts: ["a.test", "shop.example"] });
});

test("a change of an app that has nothing live fails, and what was asked for is kept", async (t) => {
  const world = createWorld({ schedule: (done) => done });
  await world.store.createApp("a", "test");
  await world.configure("a", "x");
  await world.executors[0]?.work("a");
  await world.scale("a", { web: 2 });
  await world.executors[0]?.work("a");
  const states = (await world.store.listDeploys("a", 5)).map((it) => it.state);
  t.deepEqual(states, ["failed", "failed"]);
  await world.request({ app: "a", kind: "push", commit: "good1" });
  await world.executors[0]?.work("a");
  t.like(await live(world), { config: { C: "x" } });
  t.is((await world.store.getRoute("a"))?.targets.length, 2);
});

test("routing is brought to the live route without a release, and every swap keeps it", async (t) => {
  const { world, work, push } = await quietWorld();
  await world.store.changeSettings("a", { options: { "routing.maxBodyBytes": 5 } });
  await world.request({ app: "a", kind: "routing" });
  await work();
  t.like(await world.store.getRoute("a"), { version: 2, release: 1, policy: { maxBodyBytes: 5 } });
  await push("good2");
  t.like(await world.store.getRoute("a"), { release: 2, policy: { maxBodyBytes: 5 } });
  await world.store.changeSettings("a", { options: { "routing.maxBodyBytes": null } });
  await world.request({ app: "a", kind: "routing" });
  await work();
  t.false("policy" in ((await world.store.getRoute("a")) ?? {}));
  const { version } = (await world.store.getRoute("a")) ?? {};
  await world.request({ app: "a", kind: "routing" });
  await work();
  t.is((await world.store.getRoute("a"))?.version, version, "nothing differed");
});

test("a stopped app keeps its instances on record, starts them again, or starts with a new release", async (t) => {
  const { world, work, push } = await quietWorld();
  await push("good2");
  const down = () => [...world.containers.values()].every((it) => !it.running);
  const tell = async (stopped: true | null) => {
    await world.store.changeSettings("a", { options: { stopped } });
    const { id } = await world.request({ app: "a", kind: "routing" });
    await work();
    return world.store.getDeploy(id);
  };
  const before = await running(world);
  t.like(await tell(true), { state: "live" });
  t.true(down());
  t.like(await world.store.getRoute("a"), { policy: { stopped: true }, release: 2 });
  await world.quiesce();
  t.true(down(), "nobody but its people starts it again");
  t.deepEqual(await running(world), before);
  t.like(await tell(null), { state: "live" });
  t.is((await world.store.getRoute("a"))?.policy, undefined);
  await world.quiesce();
  t.false(
    [...world.containers.values()].some((it) => !it.running),
    "the standby too",
  );
  await tell(true);
  t.like(await push("bad3"), { state: "failed" });
  t.true((await world.store.getSettings("a")).options.stopped, "what fails starts nothing");
  t.like(await push("good4"), { state: "live" });
  t.is((await world.store.getRoute("a"))?.policy, undefined);
  t.like(await live(world), { commit: "good4" });
  t.deepEqual(world.violations, []);
});

test("a release has the domains as they were, and what its push says of going back", async (t) => {
  const { world, work, push } = await quietWorld();
  await world.store.changeSettings("a", { addDomains: ["a.example"] });
  const plain = await push("good2");
  t.is((await world.store.getRelease("a", plain?.release ?? 0))?.irreversible, undefined);
  const wish = { app: "a", kind: "push", commit: "good3", irreversible: true } as const;
  await world.request(wish);
  await work();
  t.like(await live(world), { n: 3, domains: ["a.example"], irreversible: true });
  await world.store.changeSettings("a", { addDomains: ["b.example"] });
  await world.request({ app: "a", kind: "rollback", toRelease: 1 });
  await work();
  t.like(await live(world), { n: 4, domains: ["a.example", "b.example"] });
  t.is((await live(world))?.irreversible, undefined, "the older code does nothing to the data");
  t.deepEqual((await world.store.getRoute("a"))?.hosts, ["a.test", "a.example", "b.example"]);
});

test("a handover that nobody takes up any more leaves nobody waiting", async (t) => {
  const exclusive = ["web", "worker"];
  const world = createWorld({ schedule: (done) => done }, {}, { exclusive });
  const { store } = world;
  await store.createApp("a", "test");
  await world.request({ app: "a", kind: "push", commit: "good1" });
  await world.executors[0]?.work("a");
  const { id } = await world.request({ app: "a", kind: "push", commit: "good2" });
  for (let attempt = 1; attempt <= 3; attempt++) {
    const taken = await store.claim("a", `x${attempt}`, 1000);
    const route = await store.getRoute("a");
    if (taken && route && attempt === 1) {
      await store.recordStep(taken.claim, id, "resting", { types: exclusive });
      const { hosts, version: expectedVersion } = route;
      const targets = route.targets.map((target) => target.id);
      const policy = { restsMs: 30_000 };
      await store.updateRoute(taken.claim, { targets, hosts, policy, expectedVersion });
      world.containers.clear();
    }
    world.jumpClock();
  }
  t.is(await store.claim("a", "x4", 1000), null);
  t.like(await store.getDeploy(id), { state: "failed", attempts: 3 });
  t.like(await store.getRoute("a"), { policy: { restsMs: 30_000 } });
  await world.quiesce();
  t.is((await store.getRoute("a"))?.policy, undefined);
  t.like((await store.listDeploys("a", 1))[0], { kind: "routing", by: "teal", state: "live" });
  t.is([...world.containers.values()].filter((it) => it.running).length, 2);
  t.deepEqual(world.violations, []);
});

test("the later word counts: stopped while a release was on its way, it does not run", async (t) => {
  const { world, work } = await quietWorld();
  await world.stop("a", true);
  await work();
  await world.request({ app: "a", kind: "push", commit: "good2" });
  await world.stop("a", true);
  await work();
  t.like(await live(world), { commit: "good2" });
  t.like(await world.store.getRoute("a"), { policy: { stopped: true } });
  t.false([...world.containers.values()].some((it) => it.running));
  t.deepEqual(world.violations, []);
});
