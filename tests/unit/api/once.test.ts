import test from "ava";
import { createOnce } from "../../../apps/api/once.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
  for (const commit of ["aaa", "bbb"])
    await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", commit)));
});
test.after.always(() => api.stop());

const rollback = (key: string, body: object = { to: 1 }, token = api.tokens.deploy) =>
  call(api, "POST", "/apps/shop/rollback", { token, body, headers: { "Idempotency-Key": key } });
const deploys = async () => (await api.store.listDeploys("shop", 100)).length;

test.serial(
  "the same request under the same key makes one deploy, and gets the same answer",
  async (t) => {
    const before = await deploys();
    const first = await rollback("a-1");
    t.is(first.status, 202);
    t.is(first.headers.get("Idempotent-Replayed"), null);
    const again = await rollback("a-1");
    t.is(again.status, 202);
    t.deepEqual(again.json, first.json);
    t.is(again.headers.get("Idempotent-Replayed"), "true");
    t.is(await deploys(), before + 1);
    await rollback("a-2");
    t.is(await deploys(), before + 2);
  },
);

test.serial("many at once make one deploy", async (t) => {
  const before = await deploys();
  const answers = await Promise.all(Array.from({ length: 10 }, () => rollback("many")));
  t.is(await deploys(), before + 1);
  for (const { status, json } of answers) {
    if (status === 409) t.is(json.title, "key-in-use");
    else t.is(status, 202);
  }
});

test.serial(
  "another request under the key is refused; the key of another caller is another key",
  async (t) => {
    await rollback("b-1");
    const other = await rollback("b-1", { to: 2 });
    t.is(other.status, 422);
    t.is(other.json.title, "key-reused");
    const before = await deploys();
    t.is((await rollback("b-1", { to: 1 }, api.tokens.admin)).status, 202);
    t.is(await deploys(), before + 1);
    t.is((await rollback("has space")).status, 400);
    t.is((await rollback("x".repeat(256))).status, 400);
  },
);

test.serial("what failed was not done: it may be tried again under its key", async (t) => {
  t.is((await rollback("c-1", { to: 99 })).status, 404);
  t.is((await rollback("c-1", { to: 1 })).status, 202);
});

test("a request whose process died over it is never done twice", async (t) => {
  const once = createOnce(api.redis.connect());
  const asked = { key: "died", caller: "ann", request: "x" };
  void once.run(asked, () => new Promise(() => {}));
  await new Promise((resolve) => setTimeout(resolve, 50));
  await t.throwsAsync(
    once.run(asked, async () => t.fail()),
    { message: /under way, or broke off/ },
  );
});
