import test from "ava";
import { apiRoutes } from "../../apps/api/api.ts";
import { startApi, type TestApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
});
test.after.always(() => api.stop());

const accept = (invitation: string) =>
  call(api, "POST", "/invitations", { token: "", body: { invitation, name: "laptop" } });

test("an invitation lets one in, once, even when many show it at the same time", async (t) => {
  const made = await call(api, "POST", "/users", { body: { name: "ina" } });
  const { invitation } = made.json;
  const answers = await Promise.all(Array.from({ length: 5 }, () => accept(invitation)));
  const good = answers.filter((answer) => answer.status === 201);
  t.is(good.length, 1);
  t.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([201, 410]));
  const me = await call(api, "GET", "/whoami", { token: good[0]!.json.secret });
  t.like(me.json, { name: "ina", user: "ina", role: "read", apps: [] });
  for (const wrong of ["", "x", `tealinvite_${"x".repeat(43)}`, made.json.user.name])
    t.is((await accept(wrong)).status, 410, wrong);
});

test("a low role never sees tokens, nor who else there is", async (t) => {
  const made = await call(api, "POST", "/tokens", { body: { name: "ci", role: "deploy" } });
  await call(api, "POST", "/users", { body: { name: "low" } });
  await call(api, "POST", "/apps/shop/access", { body: { user: "low", role: "read" } });
  const low = await api.access.createToken({
    name: "laptop",
    user: "low",
    role: "admin",
    apps: "*",
  });
  const all = await api.access.listTokens();
  const hidden = [
    ...all.filter((token) => token.user !== "low").map((token) => token.id),
    made.json.secret,
  ];
  for (const token of [api.tokens.read, api.tokens.deploy, low.secret]) {
    for (const route of apiRoutes(api.options).filter(
      (one) => one.method === "get" && !one.events,
    )) {
      const path = route.path.replace(":app", "shop").replace(/:\w+/g, "none");
      const { text } = await call(api, "GET", path, { token });
      for (const secret of hidden) t.false(text.includes(secret), route.path);
    }
  }
  const own = await call(api, "GET", "/user/tokens", { token: low.secret });
  t.deepEqual(
    own.json.tokens.map((token: { id: string }) => token.id),
    [low.id],
  );
  t.false(own.text.includes(low.secret));
});

test("nobody makes a token that does more than theirs, nor ends another's", async (t) => {
  await call(api, "POST", "/users", { body: { name: "own" } });
  const whole = await api.access.createToken({ name: "w", user: "own", role: "admin", apps: "*" });
  const narrow = await api.access.createToken({ name: "n", user: "own", role: "read", apps: "*" });
  const make = (token: string, body: object) => call(api, "POST", "/user/tokens", { token, body });
  t.is((await make(whole.secret, { name: "mine" })).status, 201);
  t.is((await make(narrow.secret, { name: "more" })).status, 409);
  t.is((await make(api.tokens.deploy, { name: "more" })).status, 409);
  t.is((await make(whole.secret, { name: "x", user: "ann" })).status, 400);
  const [other] = (await api.access.listTokens()).filter((token) => token.user === undefined);
  t.is(
    (await call(api, "DELETE", `/user/tokens/${other!.id}`, { token: whole.secret })).status,
    404,
  );
  t.is(
    (await call(api, "DELETE", `/user/tokens/${narrow.id}`, { token: whole.secret })).status,
    204,
  );
  t.is((await call(api, "GET", "/whoami", { token: narrow.secret })).status, 401);
});
