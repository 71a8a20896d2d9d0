import test from "ava";
import { MAX_PAGE_BYTES } from "../../../apps/routing.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { call, type Sending } from "../../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

async function liveApp(name: string) {
  await api.store.createApp(name, "ann");
  await goLive(api.store, name, await api.deploys.push(pushOf(name, "aaa")));
}

const post = (app: string, what: string, body: unknown, more: Sending = {}) =>
  call(api, "POST", `/apps/${app}/${what}`, { body, ...more });
const routing = async (app: string) => (await call(api, "GET", `/apps/${app}/routing`)).json;

test("what the router does for an app is shown, changed and taken back", async (t) => {
  await liveApp("shop");
  t.deepEqual(await routing("shop"), { routing: {}, pages: {} });
  const set = await post("shop", "routing", { maxBodyBytes: 5, httpsRedirect: true });
  t.is(set.status, 202, set.text);
  t.like(set.json.deploy, { kind: "routing", why: "httpsRedirect=true maxBodyBytes=5", by: "ann" });
  await post("shop", "routing", { maxBodyBytes: null, sticky: false });
  t.deepEqual((await routing("shop")).routing, { httpsRedirect: true, sticky: false });
});

test("who changes one field undoes no other's change", async (t) => {
  await liveApp("both");
  const fields = { maxBodyBytes: 5, headersMs: 6, responseMs: 7, holdMs: 8, hstsSeconds: 9 };
  await Promise.all(
    Object.entries(fields).map(([field, value]) => post("both", "routing", { [field]: value })),
  );
  t.deepEqual((await routing("both")).routing, fields);
});

test("a canonical host is one of the app's, in the form that routes have", async (t) => {
  await liveApp("canon");
  const canon = (host: string) => post("canon", "routing", { canonicalHost: host });
  t.is((await canon("elsewhere.example")).json.title, "domain-not-found");
  t.is((await canon("http://x/")).json.title, "bad-host");
  await post("canon", "domains", { host: "bücher.example" });
  t.is((await canon("Bücher.Example.")).status, 202);
  t.is((await routing("canon")).routing.canonicalHost, "xn--bcher-kva.example");
  t.is((await canon("canon.teal.test")).status, 202, "its own host under the platform's domain");
});

test("maintenance is switched, and its page kept", async (t) => {
  await liveApp("shut");
  const on = await post("shut", "maintenance", { on: true, page: "<p>ü</p>" });
  t.is(on.json.deploy.why, "maintenance=true page.maintenance");
  t.deepEqual(await routing("shut"), { routing: { maintenance: true }, pages: { maintenance: 9 } });
  t.is((await post("shut", "maintenance", { on: false })).status, 202);
  t.deepEqual(await routing("shut"), { routing: {}, pages: { maintenance: 9 } });
});

test("pages are set and taken away by name, and are not too large", async (t) => {
  await liveApp("pages");
  t.is((await post("pages", "pages/502", { html: "<p>" })).status, 202);
  t.is((await post("pages", "pages/404", { html: "<p>" })).json.title, "bad-request");
  t.is((await post("pages", "pages/__proto__", { html: "<p>" })).json.title, "bad-request");
  t.is((await post("pages", "pages/502", { html: "" })).json.title, "bad-request");
  const letters = await post("pages", "pages/503", { html: "x".repeat(MAX_PAGE_BYTES + 1) });
  t.is(letters.json.title, "bad-request");
  const bytes = await post("pages", "pages/503", { html: "ü".repeat(MAX_PAGE_BYTES - 1) });
  t.is(bytes.json.title, "page-too-large");
  t.deepEqual((await routing("pages")).pages, { "502": 3 });
  t.is((await call(api, "DELETE", "/apps/pages/pages/502")).status, 202);
  t.deepEqual((await routing("pages")).pages, {});
});

test("what is no routing is refused, and nothing changes", async (t) => {
  await liveApp("strict");
  const bad: [unknown, RegExp][] = [
    [{}, /none came/],
    [{ maxBodyBytes: -1 }, /maxBodyBytes/],
    [{ maxBodyBytes: 1.5 }, /maxBodyBytes/],
    [{ holdMs: 60_001 }, /holdMs/],
    [{ sticky: "on" }, /sticky/],
    [{ stopped: true }, /stopped/],
    [{ unknown: 1 }, /unknown/],
    [[], /the body/],
  ];
  for (const [body, says] of bad) {
    const answer = await post("strict", "routing", body);
    t.is(answer.status, 400, answer.text);
    t.regex(answer.json.detail, says);
  }
  t.deepEqual(await routing("strict"), { routing: {}, pages: {} });
  const { tokens } = api;
  await liveApp("other");
  for (const [what, body] of [
    ["routing", { sticky: true }],
    ["maintenance", { on: true }],
    ["pages/502", { html: "x" }],
  ] as const) {
    const answer = await post("strict", what, body, { token: tokens.elsewhere });
    t.is(answer.json.title, "app-not-found", what);
  }
});

test("before the first version there is no deploy", async (t) => {
  await api.store.createApp("empty", "ann");
  t.is((await post("empty", "routing", { sticky: true })).json.deploy, null);
});
