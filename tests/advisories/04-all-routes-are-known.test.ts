import { readFileSync } from "node:fs";
import Router from "@koa/router";
import type { Middleware } from "koa";
import test from "ava";
import { apiRoutes, createApi } from "../../apps/api/api.ts";
import { createDashboard, dashboardRoutes } from "../../apps/dashboard/dashboard.ts";
import { PROVIDER_ANSWER } from "../../apps/dashboard/provider.ts";
import { eventsOf } from "../../apps/dashboard/route.ts";
import type { TestApi } from "../support/api.ts";
import { startOidcApi } from "../support/oidc.ts";

let world: Awaited<ReturnType<typeof startOidcApi>>;
let api: TestApi;
test.before(async () => {
  // Nobody signs in at it here; with one there are its routes too.
  world = await startOidcApi({ issuer: "https://id.example.org" });
  api = world.api;
});
test.after.always(() => world.stop());

/** What the routers of an application take, as `GET /path`. */
function servedBy({ middleware }: { middleware: Middleware[] }): string[] {
  return middleware
    .flatMap((one) => (Reflect.get(one, "router") as Router | undefined)?.stack ?? [])
    .flatMap(({ methods, path }) =>
      methods.filter((method) => method !== "HEAD").map((method) => `${method} ${String(path)}`),
    )
    .toSorted();
}

const ofApi = () =>
  apiRoutes(api.options)
    .map(({ method, path }) => `${method.toUpperCase()} /api/v1${path}`)
    .toSorted();

test("the API serves the routes of its table, which the matrix asks, and no other", (t) => {
  t.deepEqual(servedBy(createApi(api.options)), ofApi());
});

test("so does the dashboard, but for signing in and out", (t) => {
  const table = dashboardRoutes(api.dashboardOptions).flatMap(({ kind, path }) =>
    kind === "form" ? [`POST ${path}`] : [`GET ${path}`, `GET ${eventsOf(path)}`],
  );
  const signing = ["GET /sign-in", "POST /sign-in", "POST /sign-out"];
  const provider = ["GET /sign-in/provider", `GET ${PROVIDER_ANSWER}`];
  const known = [...table, ...signing, ...provider];
  t.deepEqual(servedBy(createDashboard(api.dashboardOptions)), known.toSorted());
});

test("what is asked before the API and the dashboard are the three that have tests of their own", (t) => {
  const main = readFileSync(new URL("../../apps/main.ts", import.meta.url), "utf8");
  // Rows 6 to 10; 48 to 50; 57 and tests/unit/apps/metrics.test.ts.
  t.deepEqual(/first: \[(.*?)\]/.exec(main)?.[1]?.split(", "), [
    "gitHttp",
    "webhooks.handle",
    "metrics",
  ]);
  // The rest of both: head, errors, audit, limits, Origin; of the dashboard compression, files and the session too.
  const beside = ({ middleware }: { middleware: Middleware[] }) =>
    middleware.filter((one) => !Reflect.get(one, "router")).length;
  t.is(beside(createApi(api.options)), 6);
  t.is(beside(createDashboard(api.dashboardOptions)), 8);
});

test("a route that is in no table is noticed", (t) => {
  const aside = new Router({ prefix: "/api/v1" }).get("/aside", () => {});
  const served = servedBy({
    middleware: [...createApi(api.options).middleware, aside.routes() as Middleware],
  });
  const known = new Set(ofApi());
  t.deepEqual(
    served.filter((one) => !known.has(one)),
    ["GET /api/v1/aside"],
  );
});
