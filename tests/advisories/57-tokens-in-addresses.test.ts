import test from "ava";
import { startApi, type TestApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

test("a token in the address opens nothing, by whatever name", async (t) => {
  const secret = api.tokens.admin;
  for (const name of [
    "token",
    "access_token",
    "api_key",
    "key",
    "authorization",
    "auth",
    "teal_session",
  ]) {
    t.is((await call(api, "GET", `/whoami?${name}=${secret}`, { token: "" })).status, 401, name);
    const page = await fetch(`${api.url}/?${name}=${secret}`, { redirect: "manual" });
    t.is(page.status, 303, name);
    t.is(page.headers.get("Location"), "/sign-in");
  }
  const basic = Buffer.from(`ann:${secret}`).toString("base64");
  const answer = await call(api, "GET", "/whoami", {
    token: "",
    headers: { Authorization: `Basic ${basic}` },
  });
  t.is(answer.status, 401);
});

test("no secret reaches the platform's log: of headers, addresses, bodies or answers", async (t) => {
  const made = await call(api, "POST", "/tokens", { body: { name: "ci", role: "read" } });
  await call(api, "GET", `/apps?token=${api.tokens.admin}`);
  await call(api, "POST", "/apps", { raw: `{"name":"${api.tokens.admin}"` });
  await fetch(`${api.url}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { Origin: api.url },
    body: new URLSearchParams({ token: api.tokens.admin }),
  });
  t.true(api.logged.length >= 4);
  const log = api.logged.join("\n");
  for (const secret of [...Object.values(api.tokens), made.json.secret])
    t.false(log.includes(secret));
  t.notRegex(log, /teal_[\w-]{43}/);
});
