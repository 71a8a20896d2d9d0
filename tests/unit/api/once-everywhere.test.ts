import test from "ava";
import { apiRoutes } from "../../../apps/api/api.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";
import { hold } from "../../support/seed.ts";
import { addHook, deliver } from "../../support/webhook.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

/** What each route that leads to a deploy takes, and what has to be there first. */
const ASKED: Record<string, { body?: object; before?: (app: string) => Promise<unknown> }> = {
  "/apps/:app/rollback": {},
  "/apps/:app/deploys": { body: { image: "ghcr.io/ann/shop:1" } },
  "/apps/:app/config": { body: { set: { A: "1" } } },
  "/apps/:app/domains": { body: { host: "www.shop.test" } },
  "/apps/:app/routing": { body: { maxBodyBytes: 1000 } },
  "/apps/:app/maintenance": { body: { on: true } },
  "/apps/:app/pages/:page": { body: { html: "<h1>Sorry</h1>" } },
  "/apps/:app/restart": {},
  "/apps/:app/stop": {},
  "/apps/:app/start": {},
  "/apps/:app/formation": { body: { formation: { web: 2 } } },
  "/apps/:app/promote": { before: (app) => hold(api, app, "ccc") },
  "/apps/:app/runtime": { body: { runtime: { web: { memory: 128 } } } },
  "/apps/:app/storage": { body: { mount: "data:/data", overlap: true } },
  "/deploys/:deploy/cancel": { before: (app) => api.deploys.push(pushOf(app, "ddd")) },
  "/apps/:app/hooks/deliveries/:delivery/redeliver": {
    async before(app) {
      const hook = await addHook(api, app, { provider: "standard" });
      await deliver(api, hook, { ref: "elsewhere" });
    },
  },
};

test("each route that leads to a deploy does it once for one key, and answers alike", async (t) => {
  const routes = apiRoutes(api.options).filter(
    (one) => one.method === "post" && one.status === 202,
  );
  t.deepEqual(routes.map(({ path }) => path).toSorted(), Object.keys(ASKED).toSorted());
  for (const [i, { path }] of routes.entries()) {
    const app = `shop-${i}`;
    await api.store.createApp(app, "ann");
    for (const commit of ["aaa", "bbb"])
      await goLive(api.store, app, await api.deploys.push(pushOf(app, commit)));
    const { body = {}, before } = ASKED[path]!;
    await before?.(app);
    const [newest] = await api.store.listDeploys(app, 1);
    const [delivery] = await api.senders.deliveries(app, 1);
    const at = path
      .replace(":app", app)
      .replace(":deploy", newest?.id ?? "")
      .replace(":page", "502")
      .replace(":delivery", delivery?.key ?? "");
    const ask = () =>
      call(api, "POST", at, {
        body,
        headers: { "Idempotency-Key": `key of ${path}`.replaceAll(" ", "-") },
      });
    const first = await ask();
    t.is(first.status, 202, `${path}: ${first.text}`);
    const made = (await api.store.listDeploys(app, 100)).length;
    const again = await ask();
    t.is(again.headers.get("Idempotent-Replayed"), "true", path);
    t.deepEqual([again.status, again.json], [202, first.json], path);
    t.is((await api.store.listDeploys(app, 100)).length, made, path);
  }
});
