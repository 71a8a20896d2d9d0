import test from "ava";
import { keys } from "../../apps/keys.ts";
import { startApi, type TestApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

test("a token that is too short, too long, or wrong in one character is just not valid", async (t) => {
  const good = api.tokens.admin;
  const last = good.at(-2) === "A" ? "B" : "A";
  const wrong = [
    good.slice(0, -1),
    `${good}A`,
    good.slice(0, -2) + last + good.at(-1),
    "x",
    "x".repeat(8000),
    good.toUpperCase(),
  ];
  t.is((await call(api, "GET", "/whoami", { token: good })).status, 200);
  for (const token of wrong) {
    const answer = await call(api, "GET", "/whoami", { token });
    t.is(answer.status, 401, token.slice(0, 20));
    t.is(answer.headers.get("WWW-Authenticate"), "Bearer");
  }
});

test("what the store keeps of a token does not open the door", async (t) => {
  const kept = await api.redis.connect().hgetall(keys.tokens);
  t.true(Object.keys(kept).length >= 4);
  for (const [field, record] of Object.entries(kept)) {
    t.is((await call(api, "GET", "/whoami", { token: field })).status, 401);
    for (const secret of Object.values(api.tokens)) t.false(`${field}${record}`.includes(secret));
  }
});
