import test from "ava";
import { startApi, type TestApi } from "../support/api.ts";
import { addHook, deliver, pushPayload } from "../support/webhook.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  for (const app of ["shop", "blog", "wiki"]) await api.store.createApp(app, "ann");
});
test.after.always(() => api.stop());

const commit = "a".repeat(40);

test("one delivery a hundred times at once makes one deploy, and all are told which", async (t) => {
  const hook = await addHook(api, "shop", { provider: "github" });
  const payload = pushPayload(commit);
  const answers = await Promise.all(
    Array.from({ length: 100 }, () => deliver(api, hook, payload, { id: "one" })),
  );
  t.deepEqual([...new Set(answers.map(({ status }) => status))], [202]);
  t.deepEqual([...new Set(answers.map(({ json }) => json.deploy))], ["shop-1"]);
  t.is((await api.store.listDeploys("shop", 200)).length, 1);
});

test("what was once heard is not taken again under another id, nor after a rollback", async (t) => {
  const hook = await addHook(api, "blog", { provider: "github" });
  const payload = pushPayload(commit);
  t.is((await deliver(api, hook, payload, { id: "first" })).json.deploy, "blog-1");
  const rollback = { app: "blog", kind: "rollback", toRelease: 1, by: "ann", why: "it broke" };
  await api.store.requestDeploy({ ...rollback, kind: "rollback" });
  const replayed = await deliver(api, hook, payload, { id: "second" });
  t.is(replayed.json.deploy, "blog-1", "the old answer, and no new deploy");
  t.is((await api.store.listDeploys("blog", 200)).length, 2);
});

test("a timestamp outside the window is refused, and another timestamp is another signature", async (t) => {
  const hook = await addHook(api, "wiki", { provider: "standard" });
  const now = Math.floor(Date.now() / 1000);
  for (const at of [now - 301, now + 320, now - 86_400, 0]) {
    const { status, json } = await deliver(api, hook, { commit }, { at });
    t.is(status, 401);
    t.is(json.error, "stale-delivery");
  }
  const moved = { "webhook-timestamp": String(now) };
  const forged = await deliver(api, hook, { commit }, { at: now - 86_400, headers: moved });
  t.is(forged.json.error, "bad-signature");
  t.deepEqual(await api.store.listDeploys("wiki", 10), []);
  t.deepEqual(await api.senders.deliveries("wiki", 10), []);
  t.is((await deliver(api, hook, { commit }, { at: now - 60 })).status, 202);
});
