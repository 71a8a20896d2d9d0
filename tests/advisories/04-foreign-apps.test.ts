import test from "ava";
import { apiRoutes } from "../../apps/api/api.ts";
import { dashboardRoutes } from "../../apps/dashboard/dashboard.ts";
import { eventsOf } from "../../apps/dashboard/route.ts";
import { goLive, pushOf, startApi, type TestApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  for (const app of ["shop", "other"]) {
    await api.store.createApp(app, "ann");
    await goLive(api.store, app, await api.deploys.push(pushOf(app, "aaa")));
  }
});
test.after.always(() => api.stop());

const fill = (path: string, app: string) =>
  path
    .replace(":app", app)
    .replace(":deploy", `${app}-1`)
    .replace(":release", "1")
    .replace(/:\w+/, "none");

test("every route about an app answers for a foreign one as for one that is not there", async (t) => {
  const about = apiRoutes(api.options).filter((one) => one.subject !== "platform");
  t.true(about.length >= 10);
  for (const route of about) {
    for (const token of [api.tokens.deploy, api.tokens.read]) {
      const ask = (app: string) =>
        call(api, route.method.toUpperCase(), fill(route.path, app), { token });
      const [foreign, missing] = [await ask("other"), await ask("nosuch")];
      t.is(foreign.status, 404, `${route.method} ${route.path}`);
      const told = (answer: typeof foreign, app: string) =>
        `${answer.json.title} ${answer.json.detail}`.replaceAll(app, "APP");
      t.is(told(foreign, "other"), told(missing, "nosuch"));
    }
  }
  t.is((await api.store.getApp("other"))?.state, "active");
  t.is((await api.store.listDeploys("other", 10)).length, 1);
});

test("every route is closed to no token, and each role may do what it may and no more", async (t) => {
  const mine = {
    admin: ["token", "read", "push", "admin"],
    deploy: ["token", "read", "push"],
    read: ["token", "read"],
  };
  for (const route of apiRoutes(api.options)) {
    const method = route.method.toUpperCase();
    const path = fill(route.path, "shop");
    const nobody = await call(api, method, path, { token: "" });
    t.is(nobody.status, route.needs === "nothing" ? 200 : 401, `${method} ${path}`);
    for (const role of ["deploy", "read"] as const) {
      const { status } = await call(api, method, path, { token: api.tokens[role] });
      const may = route.needs === "nothing" || mine[role].includes(route.needs);
      if (may) t.not(status, 403, `${role} ${method} ${path}`);
      else t.is(status, 403, `${role} ${method} ${path}`);
    }
  }
});

test("lists show only what the caller may read", async (t) => {
  const { json } = await call(api, "GET", "/apps", { token: api.tokens.read });
  t.deepEqual(
    json.apps.map((app: { name: string }) => app.name),
    ["shop"],
  );
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
