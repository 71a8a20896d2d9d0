import test from "ava";
import { apiRoutes } from "../../../apps/api/api.ts";
import { rateLimits } from "../../../apps/api/rates.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  for (const app of ["a", "b", "c", "shop"]) await api.store.createApp(app, "ann");
  for (let i = 0; i < 5; i++)
    await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", `a${i}`)));
});
test.after.always(() => api.stop());

/** All items, page by page, along the Link header. */
async function walk(path: string, list: string): Promise<{ items: any[]; pages: number }> {
  const items: any[] = [];
  let pages = 0;
  for (let next: string | undefined = path; next; pages++) {
    const answer: Awaited<ReturnType<typeof call>> = await call(api, "GET", next);
    items.push(...answer.json[list]);
    const link = /^<\/api\/v1(.*)>; rel="next"$/.exec(answer.headers.get("Link") ?? "")?.[1];
    if ((answer.json.next === null) !== (link === undefined))
      throw new Error("Link and next differ");
    next = link;
  }
  return { items, pages };
}

test("every list that has pages comes in them, along Link or next, each item once and in order", async (t) => {
  for (let i = 0; i < 5; i++) await call(api, "POST", "/apps/shop/hold", { body: { hold: false } });
  const paged = apiRoutes(api.options).filter((one) => one.pages);
  t.true(paged.length >= 5);
  for (const { path: pattern } of paged) {
    const path = pattern.replace(":app", "shop");
    const { next, ...all } = (await call(api, "GET", `${path}?limit=200`)).json;
    t.is(next, null, path);
    const [list = ""] = Object.keys(all);
    const { items, pages } = await walk(`${path}?limit=2`, list);
    t.deepEqual(items, all[list], path);
    t.is(pages, Math.ceil(items.length / 2), path);
    t.true(pages > 1, path);
  }
});

test("every answer says what is left of the limit; beyond it there is 429 until the minute is over", async (t) => {
  const own = await startApi({ rates: { token: 5, address: 1000 } });
  try {
    const ask = (token: string) => call(own, "GET", "/whoami", { token });
    for (let left = 4; left >= 0; left--) {
      const { status, headers } = await ask(own.tokens.read);
      t.is(status, 200);
      t.is(headers.get("RateLimit-Limit"), "5");
      t.is(headers.get("RateLimit-Remaining"), String(left));
      t.regex(headers.get("RateLimit-Reset") ?? "", /^([1-9]|[1-5]\d|60)$/);
    }
    const refused = await ask(own.tokens.read);
    t.is(refused.status, 429);
    t.is(refused.headers.get("Content-Type"), "application/problem+json");
    t.is(refused.json.title, "too-many-requests");
    t.truthy(refused.headers.get("Retry-After"));
    t.is((await ask(own.tokens.deploy)).status, 200);
  } finally {
    await own.stop();
  }
});

test("all tokens of an address have a limit together, and the next minute begins anew", async (t) => {
  const clock = { now: 0 };
  const limit = rateLimits({ token: 100, address: 3 }, () => clock.now);
  const ask = (address: string, token: string) => {
    const headers: Record<string, string> = {};
    const ctx = {
      req: { socket: { remoteAddress: address } },
      get: () => token,
      set: () => headers,
    };
    return (limit as (ctx: unknown, next: () => Promise<void>) => Promise<void>)(
      ctx,
      async () => {},
    );
  };
  for (let i = 0; i < 3; i++) await ask("192.0.2.1", `token ${i}`);
  await t.throwsAsync(async () => ask("192.0.2.1", "token 9"), { message: /At most 3 requests/ });
  await ask("192.0.2.2", "token 9");
  clock.now = 60_000;
  await ask("192.0.2.1", "token 9");
});
