import test from "ava";
import { startApi, type TestApi } from "../support/api.ts";
import { addHook } from "../support/webhook.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
});
test.after.always(() => api.stop());

test("a webhook token or signature of another length, case or kind is just not valid", async (t) => {
  const gitlab = await addHook(api, "shop", { provider: "gitlab" });
  const github = await addHook(api, "shop", { provider: "github" });
  const post = (path: string, headers: Record<string, string>) =>
    fetch(api.url + path, { method: "POST", headers, body: '{"object_kind":"x"}' });
  t.is((await post(gitlab.path, { "X-Gitlab-Token": gitlab.secret })).status, 200);
  const { secret } = gitlab;
  for (const token of [
    "x",
    secret.slice(1),
    `${secret}A`,
    secret.toUpperCase(),
    "x".repeat(8000),
  ]) {
    t.is((await post(gitlab.path, { "X-Gitlab-Token": token })).status, 401, token.slice(0, 20));
  }
  for (const signature of [
    "sha256=",
    "sha256=00",
    `sha256=${"0".repeat(64)}`,
    "é",
    "0".repeat(8000),
  ]) {
    const headers = { "X-Hub-Signature-256": encodeURI(signature) };
    t.is((await post(github.path, headers)).status, 401, signature.slice(0, 20));
  }
});
