import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { keepingRouting } from "../../../workers/keep-routing.ts";
import { makeLive, memoryWorld, push } from "../../support/store-worlds.ts";

async function building() {
  const { store } = memoryWorld();
  await store.createApp("shop", "ann");
  await makeLive(store, push("shop"));
  await store.requestDeploy(push("shop"));
  const taken = await store.claim("shop", "one", 60_000);
  if (!taken) throw new Error("nothing to claim");
  const said: string[] = [];
  const say = (_kind: string, text: string) => void said.push(text);
  const tell = (options: object) => store.changeSettings("shop", { options });
  return { store, said, tell, ctx: { store, ...taken, say } };
}

test("What is told the router during a build is in force before the build has ended", async (t) => {
  const { store, said, tell, ctx } = await building();
  const seen = await keepingRouting(
    ctx,
    async () => {
      await tell({ "routing.maintenance": true });
      await sleep(100);
      const during = await store.getRoute("shop");
      await tell({ "routing.maintenance": null });
      await sleep(100);
      return during;
    },
    10,
  );
  t.like(seen, { version: 2, release: 1, policy: { maintenance: {} } });
  t.false("policy" in ((await store.getRoute("shop")) ?? {}));
  t.is((await store.getRoute("shop"))?.version, 3, "what has not changed is not written again");
  t.deepEqual(said, ["Routing meanwhile: maintenance", "Routing meanwhile: as for every app"]);
});

test("Stopping is left to its own deploy, and an executor without its claim changes nothing", async (t) => {
  const { store, tell, ctx } = await building();
  const waiting = async () => {
    await tell({ stopped: true, "routing.maxBodyBytes": 5 });
    await sleep(60);
  };
  await keepingRouting(ctx, waiting, 10);
  t.deepEqual((await store.getRoute("shop"))?.policy, { maxBodyBytes: 5 });
  const zombie = { ...ctx, claim: { ...ctx.claim, token: 0 } };
  await tell({ "routing.maxBodyBytes": 6 });
  t.is(await keepingRouting(zombie, async () => (await sleep(60), "built"), 10), "built");
  t.deepEqual((await store.getRoute("shop"))?.policy, { maxBodyBytes: 5 });
  const failing = keepingRouting(ctx, () => Promise.reject(new Error("no build")), 10);
  await t.throwsAsync(failing, { message: "no build" });
});
