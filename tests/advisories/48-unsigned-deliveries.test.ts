import test from "ava";
import { startApi, type TestApi } from "../support/api.ts";
import { addHook, deliver, pushPayload } from "../support/webhook.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
});
test.after.always(() => api.stop());

/** All that the store holds, as it would be on its disk. */
async function everything(): Promise<string> {
  const redis = api.redis.connect();
  const names = (await redis.keys("*")).toSorted();
  const dumps = await Promise.all(names.map((name) => redis.dumpBuffer(name)));
  return names.map((name, i) => `${name}=${dumps[i]?.toString("hex")}`).join("\n");
}

test("a delivery that is not signed, or signed by another, writes nothing at all", async (t) => {
  const hook = await addHook(api, "shop", { provider: "github" });
  const other = await addHook(api, "shop", { provider: "github" });
  const before = await everything();
  const payload = pushPayload("a".repeat(40));
  const wrong = [
    { ...hook, secret: "" },
    { ...hook, secret: other.secret },
    { ...hook, secret: hook.secret.slice(0, -1) },
    { ...hook, path: "/hooks/nothere" },
    { ...hook, path: "/hooks/shop/000000000000" },
  ];
  const answers = [];
  for (const one of wrong) answers.push(await deliver(api, one, payload));
  const none = { "X-Hub-Signature-256": "", "X-Hub-Signature": "sha1=x", "X-Gitlab-Token": "" };
  answers.push(await deliver(api, hook, payload, { headers: none }));
  answers.push(await deliver(api, { ...hook, secret: "" }, "not even JSON"));
  for (const { status, json } of answers) {
    t.is(status, 401);
    t.is(json.error, "bad-signature");
  }
  t.is(new Set(answers.map(({ json }) => JSON.stringify(json))).size, 1, "all are told the same");
  t.is(await everything(), before);
  t.is((await deliver(api, hook, payload)).status, 202);
  t.not(await everything(), before);
});
