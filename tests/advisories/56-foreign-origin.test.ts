import test from "ava";
import { apiRoutes } from "../../apps/api/api.ts";
import { dashboardRoutes } from "../../apps/dashboard/dashboard.ts";
import { goLive, pushOf, startApi, type TestApi } from "../support/api.ts";
import { call } from "../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
  for (const commit of ["aaa", "bbb"])
    await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", commit)));
});
test.after.always(() => api.stop());

const foreign = () => [
  "https://evil.example",
  `http://127.0.0.1:${api.port + 1}`,
  `http://shop.127.0.0.1:${api.port}`,
  "null",
  "file://",
  "x",
];

test.serial(
  "a change that another site's page asks for is refused, on every changing route of the API",
  async (t) => {
    const changing = apiRoutes(api.options).filter((one) => one.method !== "get");
    t.true(changing.length >= 8);
    for (const route of changing) {
      const path = route.path
        .replace(":app", "shop")
        .replace(":deploy", "shop-1")
        .replace(/:\w+/, "x");
      for (const Origin of foreign()) {
        const answer = await call(api, route.method.toUpperCase(), path, { headers: { Origin } });
        t.is(answer.status, 403, `${route.method} ${path} from ${Origin}`);
        t.is(answer.json.title, "foreign-origin");
      }
    }
    t.is((await api.store.listDeploys("shop", 10)).length, 2);
  },
);

test.serial(
  "the dashboard takes forms only from its own pages, those without an Origin neither",
  async (t) => {
    const Cookie = `teal_session=${api.tokens.admin}`;
    const post = (path: string, headers: Record<string, string>) =>
      fetch(api.url + path, {
        method: "POST",
        redirect: "manual",
        headers: { Cookie, ...headers },
      });
    const forms = dashboardRoutes(api.dashboardOptions).filter((one) => one.kind === "form");
    t.true(forms.length >= 20);
    const paths = forms.map((one) =>
      one.path.replace(":app", "shop").replace(":deploy", "shop-1").replace(/:\w+/, "x"),
    );
    for (const path of ["/sign-in", "/sign-out", ...paths, "/nowhere"]) {
      for (const Origin of foreign())
        t.is((await post(path, { Origin })).status, 403, `${path} from ${Origin}`);
      t.is((await post(path, {})).status, 403, path);
    }
    t.is((await api.store.listDeploys("shop", 10)).length, 2);
    t.is((await post("/apps/shop/rollback", { Origin: api.url })).status, 303);
    t.is((await api.store.listDeploys("shop", 10)).length, 3);
  },
);

test("the session's cookie is out of reach of scripts and of other sites", async (t) => {
  const response = await fetch(`${api.url}/sign-in`, {
    method: "POST",
    redirect: "manual",
    headers: { Origin: api.url },
    body: new URLSearchParams({ token: api.tokens.admin }),
  });
  const cookie = response.headers.get("Set-Cookie") ?? "";
  t.regex(cookie, /; samesite=strict/i);
  t.regex(cookie, /; httponly/i);
  t.notRegex(cookie, /; domain=/i);
  t.false(cookie.includes(api.tokens.admin));
});
