import { keys } from "../../../apps/keys.ts";
import type { Store } from "../../../apps/store.ts";
import type { IdleColours } from "../../../router/contract.ts";
import { startBothStores } from "../../support/both-stores.ts";
import { makeLive, makeReady, push, type Ready, type World } from "../../support/store-worlds.ts";

const { both } = await startBothStores({
  /** What is kept is what was told last. */
  async afterRedis(t, world, redis) {
    const kept = await redis.hgetall(keys.idles);
    const all = await idleEvents(world);
    for (const app of new Set(all.map((it) => it.app))) {
      const last = all.findLast((it) => it.app === app);
      const runs = last?.held ?? last?.standby;
      t.deepEqual(kept[app] === undefined ? null : JSON.parse(kept[app]), runs ? last : null);
    }
  },
});

async function idleEvents(world: World): Promise<IdleColours[]> {
  return (await world.events()).flatMap((event) => (event.type === "idle" ? [event.idle] : []));
}

/** The last event, and what it says of each colour: release and instances. */
async function told(world: World) {
  const { held, standby } = (await idleEvents(world)).at(-1) ?? {};
  const shown = (one: typeof held) =>
    one ? `v${one.release} ${one.colour} ${one.targets.map(({ id }) => id).join()}` : null;
  return [shown(held), shown(standby)];
}

async function hold(store: Store): Promise<Ready> {
  const ready = await makeReady(store, push("shop", { hold: true }));
  const { release, colour, targets } = ready.swap;
  const held = { deploy: ready.deploy.id, release, colour, targets, note: "promote it" };
  await store.holdColour(ready.claim, held);
  await store.release(ready.claim);
  return ready;
}

both(
  "routers are told what runs beside the live colour, and when it does no more",
  async (t, world) => {
    const { store } = world;
    await store.createApp("shop", "ann");
    await makeLive(store, push("shop"));
    t.deepEqual(await idleEvents(world), [], "nothing runs beside a first release");
    await makeLive(store, push("shop"));
    t.deepEqual(await told(world), [null, "v1 blue teal-shop-1-web-1"]);
    const [{ standby } = {}] = await idleEvents(world);
    t.deepEqual(standby?.targets, [{ id: "teal-shop-1-web-1", host: "10.213.0.2", port: 5000 }]);
    await hold(store);
    t.deepEqual(await told(world), ["v3 blue teal-shop-3-web-1", "v1 blue teal-shop-1-web-1"]);
    await store.dropHeld("shop");
    t.deepEqual(await told(world), [null, "v1 blue teal-shop-1-web-1"]);
    const versions = (await idleEvents(world)).map(({ version }) => version);
    t.deepEqual(versions, [1, 2, 3]);
    await store.destroyApp("shop");
    t.deepEqual((await idleEvents(world)).at(-1), { app: "shop", version: 4 });
  },
);

both("what is promoted is idle no more, and what was live is", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  const held = await hold(store);
  await store.requestDeploy(push("shop", { kind: "promote", toRelease: 2 }));
  const taken = await store.claim("shop", "one", 10_000);
  if (!taken) throw new Error("nothing to claim");
  const { claim, deploy } = taken;
  await store.prepareSwap(claim, deploy.id, "s", { commitMs: 1000, holdMs: 2000 });
  await store.commitSwap(claim, { ...held.swap, id: "s", deploy: deploy.id, expectedVersion: 1 });
  t.deepEqual(await told(world), [null, "v1 blue teal-shop-1-web-1"]);
  t.deepEqual((await world.events()).map((it) => it.type).slice(-2), ["route", "idle"]);
});

both("a standby that is retired is told of in the same step", async (t, world) => {
  const { store } = world;
  await store.createApp("shop", "ann");
  const first = await makeLive(store, push("shop"));
  await makeLive(store, push("shop"));
  await store.requestDeploy(push("shop"));
  const taken = await store.claim("shop", "one", 10_000);
  if (!taken) throw new Error("nothing to claim");
  await store.retire(taken.claim, [first.instance.id]);
  t.deepEqual((await idleEvents(world)).at(-1), { app: "shop", version: 2 });
  await store.retire(taken.claim, [first.instance.id]);
  t.is((await idleEvents(world)).length, 2, "what has not changed is not told again");
});
