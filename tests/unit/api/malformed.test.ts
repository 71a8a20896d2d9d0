import test from "ava";
import fc from "fast-check";
import { apiRoutes } from "../../../apps/api/api.ts";
import { startApi, type TestApi } from "../../support/api.ts";
import { call, sendRaw } from "../../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
});
test.after.always(() => api.stop());

const RUNS = 150;
const ANY_BODY = fc.oneof(
  fc.json(),
  fc.string({ maxLength: 200 }),
  fc.string({ unit: "binary", maxLength: 50 }),
);

test("no body, however malformed, is answered with a fault of the platform", async (t) => {
  const routes = apiRoutes(api.options).filter((one) => one.body);
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...routes), ANY_BODY, async (route, raw) => {
      const path = route.path.replace(":app", "shop").replace(":deploy", "shop-1");
      const { status, json } = await call(api, route.method.toUpperCase(), path, { raw });
      if (status >= 500) throw new Error(`${status}: ${JSON.stringify(json)}`);
    }),
    { numRuns: RUNS },
  );
  t.is((await call(api, "GET", "/health")).status, 200);
});

test("no path and no query, however malformed, is answered with a fault of the platform", async (t) => {
  const piece = fc.oneof(
    fc.constantFrom(
      "%zz",
      "%",
      "..",
      "%2e%2e",
      "%00",
      "v1",
      "__proto__",
      "constructor",
      "shop",
      "shop-1",
      "//",
      "%ff",
    ),
    fc.webPath({ size: "small" }),
    fc.webQueryParameters(),
  );
  const base = fc.constantFrom(
    "/apps/",
    "/apps/shop/releases/",
    "/deploys/",
    "/deploys/shop-1/log?after=",
    "/apps/shop/deploys?limit=",
    "/keys/",
    "/",
  );
  await fc.assert(
    fc.asyncProperty(base, piece, async (start, rest) => {
      const head = `GET /api/v1${start}${rest.replaceAll(/\s/g, "")} HTTP/1.1`;
      const answer = await sendRaw(
        api.port,
        `${head}\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${api.tokens.admin}\r\n\r\n`,
      );
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
      if (!(status >= 200 && status < 500)) throw new Error(`${head}: ${answer.slice(0, 300)}`);
    }),
    { numRuns: RUNS },
  );
  t.is((await call(api, "GET", "/health")).status, 200);
});

test("a body that breaks off, nests a hundred thousand deep, or is another type harms nothing", async (t) => {
  const head = `POST /api/v1/apps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${api.tokens.admin}\r\n`;
  await sendRaw(
    api.port,
    `${head}Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{"name":`,
    true,
  );
  const deep = await call(api, "POST", "/apps", { raw: "[".repeat(100_000) + "]".repeat(100_000) });
  t.is(deep.status, 400);
  const form = await call(api, "POST", "/apps", {
    raw: "name=shop",
    headers: { "Content-Type": "text/plain" },
  });
  t.is(form.status, 415);
  t.is(form.headers.get("Content-Type"), "application/problem+json");
  t.regex(form.json.detail, /application\/json was expected, and text\/plain came/);
  t.is((await call(api, "GET", "/health")).status, 200);
});
