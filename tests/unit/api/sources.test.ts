import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import test from "ava";
import { pack } from "tar-stream";
import { startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";
import { until } from "../../support/platform.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
  await api.store.createApp("other", "ann");
});
test.after.always(() => api.stop());

async function tarball(files: Record<string, string>): Promise<Buffer> {
  const tar = pack();
  for (const [name, text] of Object.entries(files))
    tar.entry({ name, mtime: new Date(1e12) }, text);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

async function upload(app: string, body: Uint8Array, token = api.tokens.admin) {
  const response = await fetch(`${api.url}/api/v1/apps/${app}/archives`, {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/gzip" },
    body,
  });
  return { status: response.status, json: (await response.json()) as any };
}

test("an archive is a commit of the app, and a deploy of it has its record", async (t) => {
  const sent = await tarball({ "server.js": "1", "package.json": "{}" });
  const { status, json } = await upload("shop", sent, api.tokens.deploy);
  t.is(status, 201);
  t.regex(json.commit, /^[0-9a-f]{40}$/);
  t.is((await upload("shop", sent)).json.commit, json.commit, "sent twice is one commit");
  const made = await call(api, "POST", "/apps/shop/deploys", { body: { commit: json.commit } });
  t.is(made.status, 202);
  t.like(made.json.deploy, { kind: "push", commit: json.commit, state: "queued", by: "ann" });
  t.is(made.json.deploy.why, "An archive of source");
});

test("who may not push uploads nothing, and hears so before the body is read", async (t) => {
  const body = new Uint8Array(3_000_000);
  for (const [token, status] of [
    [api.tokens.read, 403],
    [api.tokens.elsewhere, 404],
    ["nonsense", 401],
  ] as const) {
    t.is((await upload("shop", body, token)).status, status);
  }
});

test("what is no archive is refused with a sentence", async (t) => {
  const { status, json } = await upload("shop", Buffer.from("no archive".repeat(1000)));
  t.is(status, 400);
  t.is(json.title, "bad-archive");
});

test.serial("so many uploads at a time, and those that broke off make room again", async (t) => {
  const url = `${api.url}/api/v1/apps/shop/archives`;
  const headers = {
    Authorization: `Bearer ${api.tokens.admin}`,
    "Content-Type": "application/gzip",
  };
  const stop = new AbortController();
  const waiting = Array.from({ length: 8 }, () => {
    const never = new ReadableStream({ start: (to) => to.enqueue(Buffer.from([0x1f])) });
    const init = { method: "POST", headers, body: never, duplex: "half", signal: stop.signal };
    return fetch(url, init as RequestInit).catch(() => null);
  });
  const body = await tarball({ "server.js": "1" });
  await until(10_000, async () => (await upload("shop", body)).json.title === "too-many-pushes");
  stop.abort();
  await Promise.all(waiting);
  await until(10_000, async () => (await upload("shop", body)).status === 201);
  t.pass();
});

test("a deploy names one thing that is there: a commit, a ref, an image", async (t) => {
  const post = (body: object) => call(api, "POST", "/apps/shop/deploys", { body });
  t.is((await post({ ref: "nowhere" })).json.title, "ref-not-found");
  t.is((await post({ commit: "e".repeat(40) })).json.title, "ref-not-found");
  t.is((await post({ ref: "--upload-pack=touch canary" })).json.title, "ref-not-found");
  t.is((await post({ ref: "main", image: "nginx" })).json.title, "bad-request");
  t.is((await post({ image: "no such;name" })).json.title, "bad-image");
  t.is((await call(api, "POST", "/apps/other/deploys", { body: {} })).json.title, "ref-not-found");
  const { status, json } = await post({ image: "ghcr.io/ann/shop", hold: true, fresh: true });
  t.is(status, 202);
  t.like(json.deploy, { image: "ghcr.io/ann/shop:latest", hold: true, fresh: true });
  t.like(await api.store.getDeploy(json.deploy.id), {
    image: "ghcr.io/ann/shop:latest",
    fresh: true,
  });
});

test("build options are changed by name, and one change keeps the others", async (t) => {
  const post = (body: object) => call(api, "POST", "/apps/shop/build", { body });
  await post({ set: { root: "apps/web", "arg.A": "1" } });
  const { json } = await post({ set: { target: "prod" }, unset: ["arg.A"] });
  t.deepEqual(json.build, { root: "apps/web", target: "prod" });
  t.deepEqual((await call(api, "GET", "/apps/shop/build")).json.build, json.build);
  const wrong = await post({ set: { root: "../x" } });
  t.is(wrong.status, 400);
  t.is(wrong.json.title, "bad-build-option");
  t.deepEqual((await post({ unset: ["root", "target"] })).json.build, {});
});

test("a registry's password is kept sealed and shown to nobody; its realm is fixed by the login", async (t) => {
  const password = "t0p-s3cret-registry";
  const login = { host: "https://GHCR.io/", username: "ann", password };
  const made = await call(api, "POST", "/registries", { body: login });
  t.like(made.json.registry, { host: "ghcr.io", username: "ann", realm: null });
  const hub = { ...login, host: "index.docker.io" };
  t.like((await call(api, "POST", "/registries", { body: hub })).json.registry, {
    host: "docker.io",
    realm: "https://auth.docker.io/token",
  });
  const shown = await call(api, "GET", "/registries");
  t.is(shown.json.registries.length, 2);
  t.false(shown.text.includes(password));
  const redis = api.redis.connect({});
  t.false(JSON.stringify(await redis.hgetall("teal:registries")).includes(password));
  redis.disconnect();
  t.is((await api.options.registries.open("ghcr.io"))?.password, password);
  for (const wrong of [
    { host: "ghcr.io/../x" },
    { host: "a b" },
    { username: "a:b" },
    { realm: "http://evil.example/token" },
    { realm: "https://u@evil.example/" },
    { password: "" },
  ]) {
    const { status } = await call(api, "POST", "/registries", { body: { ...login, ...wrong } });
    t.is(status, 400, JSON.stringify(wrong));
  }
  t.is((await call(api, "DELETE", "/registries/ghcr.io")).status, 204);
  t.is((await call(api, "DELETE", "/registries/ghcr.io")).json.title, "registry-not-found");
});
