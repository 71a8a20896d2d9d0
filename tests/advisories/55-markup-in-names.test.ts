import test from "ava";
import { staticPath } from "../../apps/dashboard/static.ts";
import { goLive, goWrong, startApi, type TestApi } from "../support/api.ts";

const HOSTILE = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\u2028`;

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const page = async (path: string) => {
  const response = await fetch(api.url + path, {
    headers: { Cookie: `teal_session=${api.tokens.admin}` },
  });
  return { response, text: await response.text() };
};

test("names, reasons, errors and log lines are shown as text, under a policy that runs no inline script", async (t) => {
  await api.store.createApp("shop", HOSTILE);
  const intent = {
    app: "shop",
    kind: "push",
    commit: HOSTILE,
    ref: HOSTILE,
    by: HOSTILE,
    why: HOSTILE,
  } as const;
  await goLive(api.store, "shop", await api.deploys.push(intent));
  await api.deploys.push(intent);
  await goWrong(api.store, "shop", HOSTILE);
  await api.deployLog.append("shop-2", [{ kind: "output", text: HOSTILE }]);
  const { secret } = await api.access.createToken({
    name: HOSTILE.slice(0, 60),
    role: "admin",
    apps: "*",
  });
  const paths = [
    "/",
    "/apps/shop",
    "/apps/shop/deploys",
    "/apps/shop/deploys/shop-2",
    "/apps/shop/releases",
    "/access",
    `/apps/${encodeURIComponent(HOSTILE)}`,
    `/${encodeURIComponent(HOSTILE)}`,
  ];
  for (const path of paths) {
    const response = await fetch(api.url + path, { headers: { Cookie: `teal_session=${secret}` } });
    const text = await response.text();
    t.true(text.includes("&lt;script&gt;"), path);
    t.notRegex(text, /<script(?! type="module" src="\/static\/[\w-]+\/main\.js"><\/script>)/, path);
    t.notRegex(text, /<img src=x/, path);
    t.notRegex(text, /<[^>]+ on\w+=/, path);
  }
});

test("every page's policy allows only the platform's own files", async (t) => {
  for (const path of ["/", "/sign-in", "/apps/nosuch", staticPath("main.js")]) {
    const policy = (await page(path)).response.headers.get("Content-Security-Policy") ?? "";
    t.regex(policy, /default-src 'none'/);
    t.regex(policy, /script-src 'self'(;|$)/);
    t.notRegex(policy, /unsafe|\*|https?:|data:/);
    t.regex(policy, /frame-ancestors 'none'/);
  }
});

test("pages have no inline script, style or handler, and name no other host", async (t) => {
  for (const path of ["/", "/sign-in", "/apps/nosuch"]) {
    const { text } = await page(path);
    t.notRegex(text, /<style|style=|<script>|javascript:/);
    t.notRegex(text, /(?:src|href)="(?:https?:)?\/\//);
  }
});
