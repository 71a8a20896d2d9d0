import test from "ava";
import { generateKeyPairSync } from "node:crypto";
import ssh2 from "ssh2";
import { apiRoutes } from "../../../apps/api/api.ts";
import { goLive, goWrong, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { hourOf, seedHour } from "../../support/seed.ts";
import { call, checkedCall, type Sending } from "../../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const checked = (method: string, path: string, template: string, sending?: Sending) =>
  checkedCall(api, method, path, template, sending);

async function appWith(name: string, commits: string[]) {
  await api.store.createApp(name, "ann");
  for (const commit of commits)
    await goLive(api.store, name, await api.deploys.push(pushOf(name, commit)));
}

test("an app is created once, shown with its address, and listed", async (t) => {
  const made = await checked("POST", "/apps", "/apps", { body: { name: "first" } });
  t.is(made.status, 201);
  t.is(made.json.url, "http://first.teal.test:8080/");
  t.is(made.json.createdBy, "ann");
  t.is(
    (await checked("POST", "/apps", "/apps", { body: { name: "first" } })).json.title,
    "app-exists",
  );
  const list = await checked("GET", "/apps", "/apps");
  t.true(list.json.apps.some((app: { name: string }) => app.name === "first"));
  t.is((await checked("GET", "/apps/first", "/apps/:app")).json.live, null);
});

test("a bad name, a missing name and an unknown field each say what was expected", async (t) => {
  const bad = await checked("POST", "/apps", "/apps", { body: { name: "Bad Name" } });
  t.is(bad.json.title, "bad-app-name");
  t.regex(bad.json.detail, /Bad Name is not/);
  const missing = await checked("POST", "/apps", "/apps", { body: {} });
  t.is(missing.status, 400);
  t.regex(missing.json.detail, /name/);
  const more = await checked("POST", "/apps", "/apps", { body: { name: "ok", colour: "red" } });
  t.regex(more.json.detail, /colour/);
});

test("releases say which is live, which is warm, which is kept, and which failed", async (t) => {
  await appWith("history", ["aaa", "bbb", "ccc"]);
  await api.deploys.push(pushOf("history", "ddd"));
  await goWrong(api.store, "history", "the check failed");
  const { json } = await checked("GET", "/apps/history/releases", "/apps/:app/releases");
  const shown = json.releases.map((r: any) => [
    r.n,
    r.status,
    r.colour,
    r.commit.slice(0, 3),
    r.by,
  ]);
  t.deepEqual(shown, [
    [4, "failed", null, "ddd", "ann"],
    [3, "live", "blue", "ccc", "ann"],
    [2, "warm", "green", "bbb", "ann"],
    [1, "kept", null, "aaa", "ann"],
  ]);
  const why = async (n: number) =>
    (await checked("GET", `/apps/history/releases/${n}`, "/apps/:app/releases/:release")).json
      .retained;
  t.deepEqual(await why(4), { kept: false, why: "its deploy failed" });
  t.deepEqual(await why(2), { kept: true, why: "it is the standby" });
  t.deepEqual(await why(1), { kept: true, why: "it is one of the newest 20 good ones" });
  const page = await checked(
    "GET",
    "/apps/history/releases?limit=1&before=3",
    "/apps/:app/releases",
  );
  t.deepEqual(
    page.json.releases.map((r: any) => r.n),
    [2],
  );
  const one = await checked("GET", "/apps/history/releases/v2", "/apps/:app/releases/:release");
  t.is(one.json.status, "warm");
  for (const unknown of ["9", "v0", "x", "-1", "1e3", "__proto__"]) {
    const answer = await checked(
      "GET",
      `/apps/history/releases/${unknown}`,
      "/apps/:app/releases/:release",
    );
    t.is(answer.json.title, "release-not-found", unknown);
  }
  const deploys = await checked("GET", "/apps/history/deploys?limit=2", "/apps/:app/deploys");
  t.deepEqual(
    deploys.json.deploys.map((d: any) => [d.id, d.state]),
    [
      ["history-4", "failed"],
      ["history-3", "live"],
    ],
  );
});

test("instances say whether they are live or standby", async (t) => {
  await appWith("instances", ["aaa", "bbb"]);
  const { json } = await checked("GET", "/apps/instances/ps", "/apps/:app/ps");
  t.deepEqual(
    json.instances.map((one: any) => [one.id, one.colour, one.serves]),
    [
      ["teal-instances-1-web-1", "blue", "standby"],
      ["teal-instances-2-web-1", "green", "live"],
    ],
  );
});

test("the last hour in figures: all of it, and what is new since a time; ps has the newest", async (t) => {
  await appWith("figures", ["aaa"]);
  const id = "teal-figures-1-web-1";
  await seedHour(api, "figures", hourOf(20, "blue", 60_000, id));
  const path = "/apps/figures/series";
  const { json } = await checked("GET", path, "/apps/:app/series");
  t.true(json.samples.length > 350);
  const { at, instances } = json.samples.at(-1);
  t.like(instances[id], { colour: "blue", name: "web.1", cpus: 0.5 });
  const fresh = await checked("GET", `${path}?after=${at - 25_000}`, "/apps/:app/series");
  t.is(fresh.json.samples.length, 3);
  const ps = await checked("GET", "/apps/figures/ps", "/apps/:app/ps");
  t.deepEqual(ps.json.instances[0].usage, instances[id]);
  t.is((await checked("GET", `${path}?after=then`, "/apps/:app/series")).status, 400);
});

test("a rollback records who, why and to what, and may be cancelled once", async (t) => {
  await appWith("back", ["aaa", "bbb", "ccc"]);
  const warm = await checked("POST", "/apps/back/rollback", "/apps/:app/rollback", {
    body: { why: "prices" },
  });
  t.is(warm.status, 202);
  t.like(warm.json.deploy, {
    kind: "rollback",
    toRelease: 2,
    by: "ann",
    why: "prices",
    state: "queued",
  });
  const path = `/deploys/${warm.json.deploy.id}`;
  t.is((await checked("GET", path, "/deploys/:deploy")).json.state, "queued");
  const cancelled = await checked("POST", `${path}/cancel`, "/deploys/:deploy/cancel");
  t.is(cancelled.json.deploy.state, "cancelled");
  const twice = await checked("POST", `${path}/cancel`, "/deploys/:deploy/cancel");
  t.is(twice.json.title, "deploy-finished");
  const older = await checked("POST", "/apps/back/rollback", "/apps/:app/rollback", {
    body: { to: 1 },
  });
  t.is(older.json.deploy.toRelease, 1);
  const none = await checked("POST", "/apps/back/rollback", "/apps/:app/rollback", {
    body: { to: 77 },
  });
  t.is(none.status, 404);
});

test("with nothing to go back to, a rollback is a conflict", async (t) => {
  await appWith("fresh", ["aaa"]);
  const answer = await checked("POST", "/apps/fresh/rollback", "/apps/:app/rollback");
  t.is(answer.status, 409);
  t.is(answer.json.title, "nothing-to-roll-back");
});

test("destroying an app needs its name once more", async (t) => {
  await appWith("doomed", ["aaa"]);
  for (const sending of [{}, { body: { confirm: "doomer" } }]) {
    const answer = await checked("DELETE", "/apps/doomed", "/apps/:app", sending);
    t.is(answer.json.title, "confirm-mismatch");
  }
  const gone = await checked("DELETE", "/apps/doomed?confirm=doomed", "/apps/:app");
  t.is(gone.status, 202);
  t.is((await api.store.getApp("doomed"))?.state, "destroying");
  const rollback = await checked("POST", "/apps/doomed/rollback", "/apps/:app/rollback");
  t.true(rollback.status >= 400 && rollback.status < 500);
});

test("a key is added, shown and removed", async (t) => {
  const { publicKey } = generateKeyPairSync("ed25519");
  const raw = publicKey.export({ format: "jwk" }).x ?? "";
  const blob = Buffer.concat([
    Buffer.from("0000000b7373682d6564323535313900000020", "hex"),
    Buffer.from(raw, "base64url"),
  ]);
  t.false(ssh2.utils.parseKey(`ssh-ed25519 ${blob.toString("base64")}`) instanceof Error);
  const key = `ssh-ed25519 ${blob.toString("base64")} ann@laptop`;
  const added = await checked("POST", "/keys", "/keys", {
    body: { name: "ann", key, apps: ["shop"] },
  });
  t.is(added.status, 201);
  t.like(added.json, { name: "ann", role: "deploy", apps: ["shop"] });
  const list = await checked("GET", "/keys", "/keys");
  t.is(list.json.keys.length, 1);
  const path = `/keys/${encodeURIComponent(added.json.fingerprint)}`;
  t.is((await checked("DELETE", path, "/keys/:fingerprint")).status, 204);
  t.is((await checked("DELETE", path, "/keys/:fingerprint")).json.title, "key-not-found");
  const junk = await checked("POST", "/keys", "/keys", { body: { name: "ann", key: "hello" } });
  t.is(junk.status, 400);
});

test("a token's secret is shown once, works within its scope, and ends when revoked", async (t) => {
  const body = { name: "ci", role: "deploy", apps: ["shop"], ttlDays: 1 };
  const made = await checked("POST", "/tokens", "/tokens", { body });
  const { id, secret } = made.json;
  const list = await checked("GET", "/tokens", "/tokens");
  t.false(list.text.includes(secret));
  t.like(
    list.json.tokens.find((one: any) => one.id === id),
    { name: "ci", kind: "token", role: "deploy" },
  );
  const who = await checked("GET", "/whoami", "/whoami", { token: secret });
  t.deepEqual(who.json, { name: "ci", role: "deploy", apps: ["shop"] });
  t.is((await checked("DELETE", `/tokens/${id}`, "/tokens/:token")).status, 204);
  t.is((await checked("GET", "/whoami", "/whoami", { token: secret })).status, 401);
  t.is((await checked("DELETE", `/tokens/${id}`, "/tokens/:token")).json.title, "token-not-found");
});

test("every answer has a request id and the security headers, and no CORS", async (t) => {
  for (const path of ["/health", "/apps", "/nowhere"]) {
    const { headers } = await call(api, "GET", path, { headers: { "X-Request-Id": "mine-1" } });
    t.is(headers.get("X-Request-Id"), "mine-1");
    t.is(headers.get("X-Content-Type-Options"), "nosniff");
    t.regex(headers.get("Content-Security-Policy") ?? "", /default-src 'none'/);
    t.is(headers.get("Access-Control-Allow-Origin"), null);
  }
  const hostile = await call(api, "GET", "/health", { headers: { "X-Request-Id": "a b\tc" } });
  t.regex(hostile.headers.get("X-Request-Id") ?? "", /^[0-9a-f-]{36}$/);
});

test("unknown routes and methods are told as such", async (t) => {
  t.is((await call(api, "GET", "/nowhere")).json.title, "not-found");
  const answer = await call(api, "PUT", "/apps");
  t.is(answer.status, 405);
  t.is(answer.json.title, "method-not-allowed");
  t.regex(answer.headers.get("Allow") ?? "", /GET.*POST|POST.*GET/);
});

test("a body of more than 1 MiB is refused, said beforehand or not", async (t) => {
  const raw = JSON.stringify({ name: "x".repeat(1024 * 1024) });
  t.is((await call(api, "POST", "/apps", { raw })).status, 413);
  const chunks = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 20; i++) controller.enqueue(new Uint8Array(100_000).fill(32));
      controller.close();
    },
  });
  const request = {
    method: "POST",
    body: chunks,
    duplex: "half",
    headers: { Authorization: `Bearer ${api.tokens.admin}` },
  };
  const answer = await fetch(`${api.url}/api/v1/apps`, request as RequestInit).then(
    (response) => response.status,
    () => "closed",
  );
  t.true(answer === 413 || answer === "closed");
  t.is((await call(api, "GET", "/health")).status, 200);
});

test("the OpenAPI document has every route, with its parameters, body and answers", async (t) => {
  const { json } = await call(api, "GET", "/openapi.json");
  t.is(json.openapi, "3.1.0");
  for (const route of apiRoutes(api.options)) {
    const operation = json.paths[route.path.replaceAll(/:(\w+)/g, "{$1}")]?.[route.method];
    t.truthy(operation, route.path);
    t.is(Boolean(operation.requestBody), Boolean(route.body ?? route.upload));
    const names = (operation.parameters ?? []).map((p: { name: string }) => p.name);
    for (const [, name] of route.path.matchAll(/:(\w+)/g)) t.true(names.includes(name));
  }
  const ids = Object.values<any>(json.paths).flatMap((path) =>
    Object.values<any>(path).map((o) => o.operationId),
  );
  t.is(new Set(ids).size, ids.length);
  const name = json.paths["/apps"].post.requestBody.content["application/json"].schema;
  t.deepEqual(name.required, ["name"]);
  t.false(name.additionalProperties);
});
