import { Validator } from "@seriousme/openapi-schema-validator";
import test from "ava";
import { apiRoutes } from "../../../apps/api/api.ts";
import type { Route } from "../../../apps/api/route.ts";
import { ERRORS } from "../../../apps/errors.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { call, type Answer } from "../../support/api-client.ts";
import { createJudge } from "../../support/openapi.ts";

let api: TestApi;
let document: any;
let judge: ReturnType<typeof createJudge>;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
  for (const commit of ["aaa", "bbb"])
    await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", commit)));
  await api.access.users.add({ name: "una", role: "member", by: "ann" });
  await api.access.users.grant("una", "shop", "read");
  document = (await call(api, "GET", "/openapi.json")).json;
  judge = createJudge(document);
});
test.after.always(() => api.stop());

/** What is wrong with an answer by the document; null when nothing is. */
function faultOf({ method, path }: Route, { status, headers, text }: Answer): string | null {
  const type = headers.get("Content-Type");
  return judge({ method, path: path.replaceAll(/:(\w+)/g, "{$1}"), status, type, text });
}

const fill = (path: string) =>
  path
    .replace(":app", "shop")
    .replace(":deploy", "shop-1")
    .replace(":release", "1")
    .replace(":other", "2")
    .replace(/:\w+/g, "none");

test("the document is valid OpenAPI 3.1", async (t) => {
  const found = await new Validator().validate(structuredClone(document));
  t.true(found.valid, JSON.stringify(found.errors)?.slice(0, 2000));
  t.is(document.openapi.slice(0, 3), "3.1");
});

test("every route answers as the document says: to who may, who may not, and who asks nonsense", async (t) => {
  const routes = apiRoutes(api.options);
  t.true(routes.length > 40);
  let good = 0;
  const ask = async (route: Route): Promise<void> => {
    const method = route.method.toUpperCase();
    const asks: [string, { token?: string; body?: unknown }][] = [
      [fill(route.path), {}],
      [fill(route.path), { token: "" }],
      [fill(route.path), { token: api.tokens.read }],
      [fill(route.path).replace("shop", "nosuch"), {}],
      [`${fill(route.path)}?limit=x&follow=x`, { ...(route.body && { body: { nonsense: true } }) }],
    ];
    for (const [path, sending] of asks) {
      const answer = await call(api, method, path, sending);
      t.is(faultOf(route, answer), null, `${method} ${path} -> ${answer.status}`);
      t.regex(answer.headers.get("RateLimit-Remaining") ?? "", /^\d+$/, `${method} ${path}`);
      if (answer.status < 300) good++;
    }
  };
  for (const route of routes.filter((one) => !one.slow)) await ask(route);
  // They wait for a worker, which is not there.
  await Promise.all(routes.filter((one) => one.slow).map(ask));
  t.true(good >= 40);
});

test("every error is in the document, with a status of HTTP, an exit code and two sentences", (t) => {
  const { title } = document.components.schemas.Problem.properties;
  t.deepEqual(title.enum.toSorted(), Object.keys(ERRORS).toSorted());
  for (const [code, { status, exit, says, todo }] of Object.entries(ERRORS)) {
    t.true(status >= 400 && status < 600 && exit >= 1 && exit <= 5, code);
    t.regex(says, /\.$/, code);
    t.regex(todo, /[.}?]$/, code);
  }
});
