import test from "ava";
import { apiRoutes } from "../../../apps/api/api.ts";
import { dashboardRoutes } from "../../../apps/dashboard/dashboard.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { call, readEvents } from "../../support/api-client.ts";
import { addHook, deliver, pushPayload } from "../../support/webhook.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  for (const app of ["shop", "other"]) {
    await api.store.createApp(app, "ann");
    await goLive(api.store, app, await api.deploys.push(pushOf(app, "aaa")));
  }
});
test.after.always(() => api.stop());

const newest = async (path = "/events") => (await call(api, "GET", path)).json.events[0];
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

test.serial(
  "every changing route is in the log, done or refused, with who, over and address",
  async (t) => {
    const changing = apiRoutes(api.options).filter(
      (one) => one.method !== "get" && one.needs !== "nothing",
    );
    t.true(changing.length >= 15);
    for (const route of changing) {
      const path = route.path
        .replace(":app", "shop")
        .replace(":deploy", "shop-1")
        .replace(/:\w+/g, "none");
      const before = await newest();
      await call(api, route.method.toUpperCase(), path, { token: api.tokens.read });
      const event = await newest();
      t.not(event.id, before?.id, `${route.method} ${path}`);
      t.like(event, { who: "rea", over: "api", address: "127.0.0.1" });
      t.not(event.outcome, "done");
      t.regex(event.action, /^[a-z:-]+$/);
    }
  },
);

test.serial("every form of the dashboard is in the log too, done or refused", async (t) => {
  const forms = dashboardRoutes(api.dashboardOptions).filter((one) => one.kind === "form");
  t.true(forms.length >= 20);
  for (const { path: pattern } of forms) {
    const path = pattern
      .replace(":app", "shop")
      .replace(":deploy", "shop-1")
      .replace(/:\w+/g, "none");
    const before = await newest();
    await fetch(api.url + path, {
      method: "POST",
      redirect: "manual",
      headers: { Origin: api.url, Cookie: `teal_session=${api.tokens.read}` },
      body: new URLSearchParams(),
    });
    const event = await newest();
    t.not(event.id, before?.id, path);
    t.like(event, { who: "rea", over: "dashboard", address: "127.0.0.1" }, path);
    t.regex(event.action, /^[a-z:-]+$/, path);
  }
});

test.serial(
  "a change is noted with what it was about, without values, and with its deploy",
  async (t) => {
    const set = { TOKEN_OF_SHOP: "hunter2hunter2" };
    const { json } = await call(api, "POST", "/apps/shop/config", {
      body: { set },
      token: api.tokens.deploy,
    });
    const event = await newest("/apps/shop/events");
    t.like(event, { who: "dora", action: "config:set", outcome: "done", app: "shop" });
    t.is(event.deploy, json.deploy.id);
    t.deepEqual(event.detail, { set: "TOKEN_OF_SHOP" });
    const made = await call(api, "POST", "/tokens", { body: { name: "ci", role: "read" } });
    t.deepEqual((await newest()).detail, { name: "ci", role: "read", apps: "*" });
    const all = await call(api, "GET", "/events?limit=200");
    for (const secret of ["hunter2", made.json.secret, ...Object.values(api.tokens)])
      t.false(all.text.includes(secret));
  },
);

test.serial("a wrong token is noted, once; no token is nothing", async (t) => {
  const before = (await call(api, "GET", "/events?limit=200")).json.events.length;
  await call(api, "GET", "/apps", { token: "" });
  for (let i = 0; i < 5; i++) await call(api, "GET", "/apps", { token: `teal_${"x".repeat(43)}` });
  const { events } = (await call(api, "GET", "/events?limit=200")).json;
  t.is(events.length, before + 1);
  t.like(events[0], { who: null, action: "sign-in", outcome: "refused", error: "not-signed-in" });
});

test.serial(
  "sign-in and sign-out at the dashboard are noted, and what is changed there",
  async (t) => {
    const post = (path: string, body: Record<string, string>, cookie = "") =>
      fetch(api.url + path, {
        method: "POST",
        redirect: "manual",
        headers: { Origin: api.url, Cookie: cookie },
        body: new URLSearchParams(body),
      });
    t.is((await post("/sign-in", { token: "wrong" })).status, 401);
    t.like(await newest(), { who: null, over: "dashboard", action: "sign-in", outcome: "refused" });
    const signedIn = await post("/sign-in", { token: api.tokens.deploy });
    t.like(await newest(), { who: "dora", over: "dashboard", action: "sign-in", outcome: "done" });
    const cookie = signedIn.headers.get("Set-Cookie")!.split(";")[0]!;
    await post("/apps/shop/rollback", { to: "1" }, cookie);
    t.like(await newest(), { who: "dora", over: "dashboard", action: "rollback", app: "shop" });
    await post("/sign-out", {}, cookie);
    t.like(await newest(), { who: "dora", over: "dashboard", action: "sign-out" });
  },
);

test.serial("a foreign app's events are invisible, in lists and in streams", async (t) => {
  await call(api, "POST", "/apps/other/hold", { body: { hold: false } });
  const mine = await call(api, "GET", "/events?limit=200", { token: api.tokens.read });
  t.true(mine.json.events.length > 0);
  t.true(mine.json.events.every((event: any) => event.app === "shop"));
  t.is((await call(api, "GET", "/apps/other/events", { token: api.tokens.read })).status, 404);
  const stream = readEvents(
    api,
    "/api/v1/events?follow=1",
    bearer(api.tokens.read),
    (e) => e.length > 0,
  );
  await new Promise((resolve) => setTimeout(resolve, 100));
  await call(api, "POST", "/apps/other/hold", { body: { hold: false } });
  await call(api, "POST", "/apps/shop/hold", { body: { hold: false } });
  t.deepEqual(
    (await stream).map((event) => event.data.app),
    ["shop"],
  );
});

test.serial("a stream is resumed after the last event that was had", async (t) => {
  const did = async (hold: boolean) =>
    call(api, "POST", "/apps/shop/hold", { body: { hold } }).then(() =>
      newest("/apps/shop/events"),
    );
  const had = await did(true);
  const missed = [await did(false), await did(true)];
  const headers = {
    ...bearer(api.tokens.admin),
    "Last-Event-ID": had.id,
    Accept: "text/event-stream",
  };
  const events = await readEvents(api, "/api/v1/apps/shop/events", headers, (e) => e.length === 2);
  t.deepEqual(
    events.map((event) => event.data),
    missed,
  );
  t.deepEqual(
    events.map((event) => event.id),
    missed.map((event) => event.id),
  );
  const wrong = { ...headers, "Last-Event-ID": "x" };
  t.is((await call(api, "GET", "/apps/shop/events", { headers: wrong })).status, 400);
});

test.serial("pages of events", async (t) => {
  const first = (await call(api, "GET", "/apps/shop/events?limit=2")).json;
  const second = (await call(api, "GET", `/apps/shop/events?limit=2&before=${first.next}`)).json;
  const both = (await call(api, "GET", "/apps/shop/events?limit=4")).json;
  t.deepEqual([...first.events, ...second.events], both.events);
  t.is((await call(api, "GET", "/events?before=1-0")).json.next, null);
});

test.serial(
  "a command over SSH is noted with where it came from, not with our own address",
  async (t) => {
    const via = { over: "ssh", address: "192.0.2.9" } as const;
    const wish = { name: "ann", role: "admin", apps: "*", via } as const;
    const { secret } = await api.access.createToken(wish);
    await call(api, "POST", "/apps/shop/hold", { body: { hold: false }, token: secret });
    t.like(await newest(), { who: "ann", action: "hold", ...via });
  },
);

test.serial("a webhook that deploys is noted", async (t) => {
  const hook = await addHook(api, "shop", { provider: "github" });
  t.is((await deliver(api, hook, pushPayload("c".repeat(40)))).status, 202);
  const event = await newest("/apps/shop/events");
  t.like(event, { who: "github webhook", over: "webhook", action: "deploy", app: "shop" });
  t.regex(event.deploy, /^shop-\d+$/);
});
