import test from "ava";
import { apiRoutes } from "../../apps/api/api.ts";
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

test("the dashboard's pages and streams of a foreign app are not there", async (t) => {
  const headers = { Cookie: `teal_session=${api.tokens.elsewhere}`, Origin: api.url };
  for (const path of [
    "/apps/shop",
    "/apps/shop/events",
    "/apps/shop/deploys/shop-1",
    "/apps/shop/deploys/shop-1/log",
    "/apps/other/deploys/shop-1",
  ]) {
    t.is((await fetch(api.url + path, { headers })).status, 404, path);
  }
  for (const path of ["/apps/shop/rollback", "/apps/shop/deploys/shop-1/cancel"]) {
    t.is((await fetch(api.url + path, { method: "POST", headers })).status, 404, path);
  }
  const home = await (await fetch(`${api.url}/`, { headers })).text();
  t.false(home.includes("shop"));
});
