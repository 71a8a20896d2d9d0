import test from "ava";
import { apiRoutes } from "../../apps/api/api.ts";
import type { Route } from "../../apps/api/route.ts";
import { dashboardRoutes } from "../../apps/dashboard/dashboard.ts";
import { eventsOf } from "../../apps/dashboard/route.ts";
import { goLive, pushOf, startApi, type TestApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";

/** Every kind of caller: tokens of nobody, and users with each role; what each may do with `shop`. */
const MAY = {
  admin: ["token", "read", "push", "metrics", "admin"],
  deploy: ["token", "read", "push"],
  read: ["token", "read"],
  metrics: ["token", "metrics"],
  userAdmin: ["token", "read", "push", "metrics", "admin"],
  userDeploy: ["token", "read", "push"],
  userRead: ["token", "read"],
  /** Deploys `shop`; the token only reads. */
  userNarrow: ["token", "read"],
  userElsewhere: ["token"],
} as const satisfies Record<string, readonly Route["needs"][]>;
type Caller = keyof typeof MAY;
const callers = Object.keys(MAY) as Caller[];

let api: TestApi;
let tokens: Record<Caller, string>;
test.before(async () => {
  api = await startApi();
  for (const app of ["shop", "other"]) {
    await api.store.createApp(app, "ann");
    await goLive(api.store, app, await api.deploys.push(pushOf(app, "aaa")));
  }
  const all = { role: "admin", apps: "*" } as const;
  const user = async (
    name: string,
    role: "admin" | "member",
    ...roles: [string, "deploy" | "read"][]
  ) => {
    await api.access.users.add({ name, role, by: "ann" });
    for (const [app, one] of roles) await api.access.users.grant(name, app, one);
    return (await api.access.createToken({ name: "laptop", user: name, ...all })).secret;
  };
  const userDeploy = await user("ulla", "member", ["shop", "deploy"]);
  const narrow = { name: "ci", user: "ulla", role: "read", apps: "*" } as const;
  const metrics = { name: "prometheus", role: "metrics", apps: "*" } as const;
  tokens = {
    ...api.tokens,
    metrics: (await api.access.createToken(metrics)).secret,
    userAdmin: await user("ute", "admin"),
    userDeploy,
    userRead: await user("uwe", "member", ["shop", "read"]),
    userNarrow: (await api.access.createToken(narrow)).secret,
    userElsewhere: await user("udo", "member", ["other", "deploy"]),
  };
});
test.after.always(() => api.stop());

const fill = (path: string, app: string) =>
  path
    .replace(":app", app)
    .replace(":deploy", `${app}-1`)
    .replace(":release", "1")
    .replace(/:\w+/g, "none");

test("every route about an app answers for a foreign one as for one that is not there", async (t) => {
  const about = apiRoutes(api.options).filter((one) => one.subject !== "platform");
  t.true(about.length >= 20);
  const foreign = callers.filter((one) => one !== "admin" && one !== "userAdmin");
  for (const route of about) {
    for (const caller of foreign) {
      const theirs = caller === "userElsewhere" ? "shop" : "other";
      const ask = (app: string) =>
        call(api, route.method.toUpperCase(), fill(route.path, app), { token: tokens[caller] });
      const [there, missing] = [await ask(theirs), await ask("nosuch")];
      t.is(there.status, 404, `${caller} ${route.method} ${route.path}`);
      const told = (answer: typeof there, app: string) =>
        `${answer.json.title} ${answer.json.detail}`.replaceAll(app, "APP");
      t.is(told(there, theirs), told(missing, "nosuch"));
    }
  }
  t.is((await api.store.getApp("other"))?.state, "active");
  t.is((await api.store.listDeploys("other", 10)).length, 1);
});

test("so does every event stream", async (t) => {
  const streams = apiRoutes(api.options).filter((one) => one.events && one.subject !== "platform");
  t.true(streams.length >= 2);
  for (const route of streams) {
    for (const query of ["?follow=1", ""]) {
      const path = fill(route.path, "shop") + query;
      const headers = { Accept: "text/event-stream" };
      const { status } = await call(api, "GET", path, { token: tokens.userElsewhere, headers });
      t.is(status, 404, path);
    }
  }
});

test("every route is closed to no token, and each role may do what it may and no more", async (t) => {
  for (const route of apiRoutes(api.options)) {
    const method = route.method.toUpperCase();
    const path = fill(route.path, "shop");
    const nobody = await call(api, method, path, { token: "" });
    if (route.needs === "nothing") t.false([401, 403].includes(nobody.status), `${method} ${path}`);
    else t.is(nobody.status, 401, `${method} ${path}`);
    for (const caller of callers.filter((one) => one !== "admin" && one !== "userAdmin")) {
      const { status } = await call(api, method, path, { token: tokens[caller] });
      const may =
        route.needs === "nothing" || (MAY[caller] as readonly string[]).includes(route.needs);
      const hidden =
        route.subject !== "platform" && !(MAY[caller] as readonly string[]).includes("read");
      const why = `${caller} ${method} ${path}`;
      if (hidden) t.is(status, 404, why);
      else if (may) t.not(status, 403, why);
      else t.is(status, 403, why);
    }
  }
});

test("lists show only what the caller may read", async (t) => {
  for (const caller of ["read", "userRead", "userDeploy", "userNarrow"] as const) {
    const { json } = await call(api, "GET", "/apps", { token: tokens[caller] });
    const names = json.apps.map((app: { name: string }) => app.name);
    t.deepEqual(names, ["shop"], caller);
  }
  t.deepEqual((await call(api, "GET", "/apps", { token: tokens.metrics })).json.apps, []);
});

test("every page, form and stream of the dashboard answers for a foreign app as for one that is not there", async (t) => {
  const about = dashboardRoutes(api.dashboardOptions).filter((one) => one.subject !== "platform");
  t.true(about.length >= 25);
  for (const role of ["elsewhere", "read", "deploy"] as const) {
    const headers = { Cookie: `teal_session=${api.tokens[role]}`, Origin: api.url };
    const ask = async (method: string, path: string) => {
      const response = await fetch(api.url + path, { method, headers, redirect: "manual" });
      return { status: response.status, text: await response.text() };
    };
    const [mine, foreign] = role === "elsewhere" ? ["other", "shop"] : ["shop", "other"];
    for (const one of about) {
      const method = one.kind === "form" ? "POST" : "GET";
      const paths = one.kind === "form" ? [one.path] : [one.path, eventsOf(one.path)];
      for (const path of paths) {
        const there = await ask(method, fill(path, foreign));
        const missing = await ask(method, fill(path, "nosuch"));
        t.is(there.status, 404, `${method} ${path}`);
        t.is(there.text.replaceAll(foreign, "APP"), missing.text.replaceAll("nosuch", "APP"));
        if (one.subject !== "deploy") continue;
        const mixed = path.replace(":app", mine).replace(":deploy", `${foreign}-1`);
        t.is((await ask(method, mixed)).status, 404, mixed);
      }
    }
    const home = await ask("GET", "/");
    t.true(home.text.includes(`/apps/${mine}`));
    t.false(home.text.includes(`/apps/${foreign}`));
  }
  t.is((await api.store.listDeploys("other", 10)).length, 1);
});

test("every page and form of the dashboard is closed to who may not have it", async (t) => {
  const mine = { deploy: ["token", "read", "push"], read: ["token", "read"] };
  for (const one of dashboardRoutes(api.dashboardOptions)) {
    const method = one.kind === "form" ? "POST" : "GET";
    const path = fill(one.path, "shop");
    const ask = (Cookie: string) =>
      fetch(api.url + path, {
        method,
        redirect: "manual",
        headers: { Cookie, Origin: api.url },
      });
    t.is((await ask("")).status, method === "GET" ? 303 : 401, path);
    for (const role of ["deploy", "read"] as const) {
      const { status } = await ask(`teal_session=${api.tokens[role]}`);
      if (mine[role].includes(one.needs)) t.not(status, 403, `${role} ${method} ${path}`);
      else t.is(status, 403, `${role} ${method} ${path}`);
    }
  }
});
