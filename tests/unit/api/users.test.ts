import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { startApi, type TestApi } from "../../support/api.ts";
import { call, readEvents } from "../../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
});
test.after.always(() => api.stop());

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

async function userWith(name: string, role: "deploy" | "read"): Promise<string> {
  const { invitation } = (await call(api, "POST", "/users", { body: { name } })).json;
  await call(api, "POST", "/apps/shop/access", { body: { user: name, role } });
  const body = { invitation, name: "laptop" };
  return (await call(api, "POST", "/invitations", { token: "", body })).json.secret;
}

test("users come by invitation, get a role with an app, and are on record with what they did", async (t) => {
  const secret = await userWith("una", "deploy");
  t.is(
    (await call(api, "POST", "/apps/shop/hold", { body: { hold: true }, token: secret })).status,
    200,
  );
  const { events } = (await call(api, "GET", "/apps/shop/events?limit=1")).json;
  t.like(events[0], { who: "una", with: "laptop", action: "hold" });
  const { access } = (await call(api, "GET", "/apps/shop/access", { token: secret })).json;
  t.true(access.some((one: any) => one.user === "una" && one.role === "deploy"));
  const { users } = (await call(api, "GET", "/users")).json;
  t.deepEqual(users.find((user: any) => user.name === "una").apps, { shop: "deploy" });
  t.is((await call(api, "GET", "/users", { token: secret })).status, 403);
  t.is((await call(api, "DELETE", "/apps/shop/access/una")).status, 204);
  t.is((await call(api, "GET", "/apps/shop", { token: secret })).status, 404);
});

test("a removed user's open streams end, and so does the dashboard's session", async (t) => {
  const secret = await userWith("uli", "read");
  const form = new URLSearchParams({ token: secret });
  const request = {
    method: "POST",
    redirect: "manual",
    headers: { Origin: api.url },
    body: form,
  } as const;
  const Cookie = (await fetch(`${api.url}/sign-in`, request)).headers
    .get("Set-Cookie")!
    .split(";")[0]!;
  const page = () => fetch(`${api.url}/apps/shop`, { headers: { Cookie }, redirect: "manual" });
  t.is((await page()).status, 200);
  const never = () => false;
  const open = [
    readEvents(api, "/api/v1/events?follow=1", bearer(secret), never),
    readEvents(api, "/apps/shop/events", { Cookie }, never),
  ];
  await sleep(200);
  const began = Date.now();
  t.is((await call(api, "DELETE", "/users/uli")).status, 204);
  t.is((await page()).status, 303);
  await Promise.all(open);
  t.true(Date.now() - began < 4000);
});

test("wrong tokens are slowed down by address, and those at work are not", async (t) => {
  const own = await startApi();
  try {
    const ask = (token: string) => call(own, "GET", "/whoami", { token });
    t.is((await ask(own.tokens.read)).status, 200);
    const statuses: number[] = [];
    for (let i = 0; i < 12; i++)
      statuses.push((await ask(`teal_${"x".repeat(42)}${i % 10}`)).status);
    t.deepEqual(new Set(statuses.slice(0, 10)), new Set([401]));
    const refused = await ask(own.tokens.deploy);
    t.is(refused.status, 429);
    t.regex(refused.headers.get("Retry-After") ?? "", /^[1-9]\d*$/);
    t.is(refused.headers.get("Content-Type"), "application/problem+json");
    t.like(refused.json, { title: "too-many-tries" });
    t.is((await ask(own.tokens.read)).status, 200);
    const form = new URLSearchParams({ token: own.tokens.deploy });
    const headers = { Origin: own.url };
    const page = await fetch(`${own.url}/sign-in`, { method: "POST", headers, body: form });
    t.is(page.status, 429);
    t.truthy(page.headers.get("Retry-After"));
  } finally {
    await own.stop();
  }
});

test("an admin says by what a user is found at an OpenID sign-in", async (t) => {
  await call(api, "POST", "/users", { body: { name: "oda", email: "Oda@Example.org" } });
  const set = (body: object) => call(api, "POST", "/users/oda", { body });
  t.is((await set({ email: "new@example.org" })).json.email, "new@example.org");
  t.is((await set({ email: null })).json.email, undefined);
  const none = await set({ subject: "oda-there" });
  t.is(none.status, 400);
  t.regex(none.json.detail, /TEAL_OIDC_ISSUER is not set/);
  await api.access.users.change("oda", { openid: { issuer: "https://id.example", subject: "x" } });
  const { users } = (await call(api, "GET", "/users")).json;
  t.like(
    users.find((user: any) => user.name === "oda"),
    { openid: { subject: "x" } },
  );
  t.is((await set({ subject: null })).json.openid, undefined);
  t.is((await call(api, "POST", "/users/nosuch", { body: { email: null } })).status, 404);
  const { events } = (await call(api, "GET", "/events?limit=2")).json;
  t.true(events.some((one: any) => one.action === "users:set" && one.detail.user === "oda"));
});
