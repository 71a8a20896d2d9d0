import test from "ava";
import { createReconciler } from "../../../workers/reconcile.ts";
import { createWorld } from "../../support/world.ts";
import { createWorldEffects } from "../../support/world-effects.ts";
import { SILENT } from "../../support/world-process.ts";

/** The apps `a` and `b`, live with two releases each, on a machine that has lost every container. */
async function lostWorld() {
  const world = createWorld({ schedule: (done) => done });
  for (const app of ["a", "b"]) {
    await world.store.createApp(app, "test");
    for (const commit of ["good1", "good2"]) {
      await world.request({ app, kind: "push", commit });
      await world.executors[0]?.work(app);
    }
  }
  const { store, containers } = world;
  containers.clear();
  containers.set("nobody's", { running: true, made: "x" });
  const real = createWorldEffects(store, {
    ...{ containers, violations: world.violations, exclusive: [], sabotage: {} },
  });
  /** Cannot be made: their image is gone. */
  const hopeless = new Set<string>();
  /** Containers take so long to stop. */
  const grace = { of: "", over: Promise.resolve() };
  const reconciler = createReconciler({
    store,
    effects: {
      ...real,
      createContainer(app, instance, release) {
        if (hopeless.has(instance.id)) throw new Error("no such image");
        return real.createContainer(app, instance, release);
      },
      async stopContainer(id, made) {
        if (grace.of !== "" && id.includes(grace.of)) await grace.over;
        await real.stopContainer(id, made);
      },
    },
    reaper: { reap() {} },
    removeRepository: async () => {},
    log: SILENT,
  });
  return { store, containers, hopeless, grace, reconciler };
}

test("an instance that cannot be started keeps neither its app's others nor other apps from starting", async (t) => {
  const { store, containers, hopeless, reconciler } = await lostWorld();
  const ofA = await store.listInstances("a");
  const [standby] = ofA.filter(({ release, process }) => release === 1 && process === "web");
  hopeless.add(standby?.id ?? "none");
  const error = await t.throwsAsync(reconciler.reconcile());
  t.regex(error?.message ?? "", new RegExp(`^a: .*${standby?.id}: .*no such image`));
  const expected = [...ofA, ...(await store.listInstances("b"))]
    .filter(({ id, state }) => id !== standby?.id && ["healthy", "live"].includes(state))
    .map(({ id }) => id);
  t.true(expected.length >= 3);
  const running = [...containers].filter(([, { running: up }]) => up).map(([id]) => id);
  t.deepEqual(running.toSorted(), expected.toSorted(), "and what nobody recorded is gone");

  hopeless.clear();
  await reconciler.reconcile();
  t.true(containers.get(standby?.id ?? "")?.running);
});

test("an app that takes hours to end, and a container that is nobody's, hold up no other app", async (t) => {
  const { store, containers, grace, reconciler } = await lostWorld();
  const over = Promise.withResolvers<void>();
  for (const id of ["a-1-web-1", "nobody-a-1-web-1"]) {
    containers.set(`teal-${id}`, { running: true, made: id });
  }
  Object.assign(grace, { of: "a-1-web-1", over: over.promise });
  await store.destroyApp("a", false);
  await reconciler.reconcile();
  const ofB = (await store.listInstances("b")).filter(({ state }) => state === "live");
  t.true(ofB.length > 0 && ofB.every(({ id }) => containers.get(id)?.running));
  t.is((await store.getApp("a"))?.state, "destroying");
  const began = performance.now();
  await reconciler.reconcile();
  t.true(performance.now() - began < 1500, "what goes on is not waited for again");
  over.resolve();
  while (await store.getApp("a")) await new Promise(setImmediate);
  t.deepEqual(
    [...containers.keys()].filter((id) => id.includes("a-1")),
    [],
  );
});
