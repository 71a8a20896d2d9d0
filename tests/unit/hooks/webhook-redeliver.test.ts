import test from "ava";
import { keys } from "../../../apps/keys.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";
import { addHook, deliver, pushPayload } from "../../support/webhook.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const listed = async (app: string, count: number) => {
  for (;;) {
    const all = await api.senders.deliveries(app);
    if (all.length >= count) return all;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

test("a delivery that deployed nothing deploys when it is looked at again with other settings", async (t) => {
  await api.store.createApp("shop", "ann");
  const hook = await addHook(api, "shop", { provider: "gitlab", branch: "main" });
  const commit = "c".repeat(40);
  const payload = {
    object_kind: "push",
    ref: "refs/heads/main",
    checkout_sha: commit,
    after: commit,
    project: { path_with_namespace: "a/b", git_http_url: "https://git.example.com/a/b.git" },
    commits: [],
  };
  const first = await deliver(api, hook, payload, { event: "Push Hook" });
  t.regex(String(first.json.deploy), /^shop-1$/, JSON.stringify(first.json));
  const [delivery] = await listed("shop", 1);
  const at = `/apps/shop/hooks/deliveries/${delivery?.key}`;

  const came = await call(api, "GET", at);
  t.is(JSON.parse(came.json.body).ref, "refs/heads/main");
  t.false(JSON.stringify(came.json).includes(hook.secret), "no header that holds a secret");
  const again = await call(api, "POST", `${at}/redeliver`, { body: {} });
  t.is(again.status, 202);
  t.is(again.json.deploy, null);
  t.regex(again.json.reason, /shop-1 is about the same commit/);

  await api.deploys.cancel("shop-1", "ann");
  const once = await call(api, "POST", `${at}/redeliver`, { body: {}, token: api.tokens.deploy });
  t.is(once.json.deploy, "shop-2");
  t.like(await api.store.getDeploy("shop-2"), { by: "dora", commit, sender: hook.sender.id });
  t.is((await listed("shop", 3)).length, 3);
  t.is((await call(api, "GET", at, { token: api.tokens.read })).status, 403);
});

test("what came is sealed, only the newest are kept, and a sender that is gone decides nothing", async (t) => {
  await api.store.createApp("many", "ann");
  const hook = await addHook(api, "many", { provider: "github" });
  for (let i = 0; i < 32; i++) {
    const other = pushPayload("d".repeat(40), { ref: `refs/heads/side-${i}` });
    await deliver(api, hook, other);
  }
  const all = await listed("many", 32);
  const redis = api.redis.connect();
  const kept = await redis.lrange(keys.came("many"), 0, -1);
  redis.disconnect();
  t.is(kept.length, 30);
  t.false(kept.join().includes("side-31"));
  t.is(await api.senders.came("many", all.at(-1)?.key ?? ""), null);
  const path = (key = "") => `/apps/many/hooks/deliveries/${key}/redeliver`;
  t.is((await call(api, "POST", path(all.at(-1)?.key), { body: {} })).json.title, "delivery-gone");
  t.is((await call(api, "POST", path("none"), { body: {} })).status, 404);
  await api.senders.remove("many", hook.sender.id);
  t.is((await call(api, "POST", path(all[0]?.key), { body: {} })).json.title, "sender-not-found");
});

test("a body that is too long to be kept is decided as ever", async (t) => {
  await api.store.createApp("long", "ann");
  const hook = await addHook(api, "long", { provider: "github" });
  const answer = await deliver(
    api,
    hook,
    pushPayload("e".repeat(40), { more: "x".repeat(200_000) }),
  );
  t.is(answer.json.deploy, "long-1");
  const [delivery] = await listed("long", 1);
  t.is(await api.senders.came("long", delivery?.key ?? ""), null);
});
