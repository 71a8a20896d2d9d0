import test from "ava";
import { keys } from "../../../apps/keys.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
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

const setting = (app: string, body: object, token?: string) =>
  checked("POST", `/apps/${app}/config`, "/apps/:app/config", { body, ...(token && { token }) });
const reading = (app: string, query = "", token?: string) =>
  checked("GET", `/apps/${app}/config${query}`, "/apps/:app/config", token ? { token } : undefined);

test("config is masked for everybody, and shown to who may push and asks", async (t) => {
  await appWith("shop", ["aaa"]);
  const set = await setting("shop", { set: { URL: "s3cr3t", B: "" } });
  t.is(set.status, 202);
  t.like(set.json.deploy, { kind: "config", why: "set URL, B", by: "ann", state: "queued" });
  t.false(set.text.includes("s3cr3t"));
  const masked = { name: "URL", value: "********", staged: true };
  t.deepEqual((await reading("shop")).json.config[1], masked);
  t.deepEqual((await reading("shop", "", api.tokens.read)).json.config[1], masked);
  const revealed = await reading("shop", "?reveal=1", api.tokens.deploy);
  t.deepEqual(revealed.json.config, [
    { name: "B", value: "", staged: true },
    { name: "URL", value: "s3cr3t", staged: true },
  ]);
  t.is((await reading("shop", "?reveal=1", api.tokens.read)).json.title, "not-allowed");
  t.is((await setting("shop", { set: { A: "1" } }, api.tokens.read)).json.title, "not-allowed");
  t.is(
    (await setting("shop", { set: { A: "1" } }, api.tokens.elsewhere)).json.title,
    "app-not-found",
  );
  const kept = JSON.stringify(await api.redis.connect().hgetall(keys.settings("shop")));
  t.true(kept.includes("config.URL"));
  t.false(kept.includes("s3cr3t"), "sealed at rest");
  t.false(api.logged.join("\n").includes("s3cr3t"));
});

test("config that nothing runs with yet waits for the first push", async (t) => {
  await appWith("empty", []);
  t.is((await setting("empty", { set: { A: "1" } })).json.deploy, null);
  await appWith("later", ["aaa"]);
  t.is((await setting("later", { set: { A: "1" }, restart: false })).json.deploy, null);
  const gone = await setting("later", { unset: ["A"] });
  t.is(gone.json.deploy.why, "unset A");
  t.deepEqual((await reading("later")).json.config, [{ name: "A", value: null, staged: true }]);
});

test("a push that is on its way is followed by the config that was set meanwhile", async (t) => {
  await appWith("first", []);
  await api.deploys.push(pushOf("first", "aaa"));
  t.is((await setting("first", { set: { A: "1" } })).json.deploy.kind, "config");
});

test("what is no config is refused with what was expected, and without its value", async (t) => {
  await appWith("strict", ["aaa"]);
  const bad: [object, RegExp][] = [
    [{ set: { PORT: "1" } }, /PORT is given by the platform/],
    [{ set: { TEAL_APP: "1" } }, /TEAL_APP is given by the platform/],
    [{ unset: ["PORT"] }, /PORT is given by the platform/],
    [{ set: { "1A": "s3cr3t" } }, /begins with no digit was expected, and "1A" came/],
    [{ set: { "A B": "s3cr3t" } }, /"A B" came/],
    [{ set: { "": "s3cr3t" } }, /"" came/],
    [{ set: { A: "s3cr3t\0" } }, /zero byte/],
    [{ set: { A: "s3cr3t".repeat(20_000) } }, /at most 65536 bytes was expected for A/],
    [
      { set: Object.fromEntries("ABCDE".split("").map((n) => [n, "s".repeat(65_000)])) },
      /may hold 262144/,
    ],
    [{ set: { A: "1" }, unset: ["A"] }, /both set and unset/],
    [{ unset: ["NOWHERE"] }, /has no config NOWHERE/],
    [{}, /none came/],
    [{ set: { A: 1 } }, /set.A/],
  ];
  for (const [body, says] of bad) {
    const answer = await setting("strict", body);
    t.is(answer.status, 400, answer.text);
    t.regex(answer.json.detail, says);
    t.false(answer.text.includes("s3cr3t"));
  }
  t.deepEqual((await reading("strict")).json.config, []);
});

test("names that mean something to JavaScript are names like others", async (t) => {
  await appWith("proto", ["aaa"]);
  const set = JSON.parse('{"__proto__": "a1", "constructor": "b2", "toString": "c3"}');
  t.is((await setting("proto", { set: { constructor: "b2", toString: "c3" } })).status, 202);
  const { config } = (await reading("proto", "?reveal=1")).json;
  t.deepEqual(
    config.map((one: any) => [one.name, one.value]),
    [
      ["constructor", set.constructor],
      ["toString", "c3"],
    ],
  );
});

test("releases name their config and give no value, sealed or not", async (t) => {
  await appWith("named", ["aaa"]);
  const answer = await checked("GET", "/apps/named/releases/1", "/apps/:app/releases/:release");
  t.deepEqual(answer.json.config, []);
});

test("a diff says what changed between two releases", async (t) => {
  await appWith("diff", ["aaa", "bbb"]);
  const path = "/apps/:app/releases/:release/diff/:other";
  const { json } = await checked("GET", "/apps/diff/releases/v1/diff/2", path);
  t.like(json, {
    from: 1,
    to: 2,
    imageBytes: null,
    config: { added: [], removed: [], changed: [] },
  });
  t.regex(json.commit.from, /^aaa/);
  t.regex(json.commit.to, /^bbb/);
  const same = await checked("GET", "/apps/diff/releases/1/diff/1", path);
  t.is(same.json.commit, null);
  t.is(
    (await checked("GET", "/apps/diff/releases/1/diff/9", path)).json.title,
    "release-not-found",
  );
});

test("scaling is kept with the app, and what it cannot be is said", async (t) => {
  await appWith("scale", ["aaa"]);
  const scaling = (app: string, formation: object) =>
    checked("POST", `/apps/${app}/formation`, "/apps/:app/formation", { body: { formation } });
  const asked = await scaling("scale", { web: 3 });
  t.like(asked.json.deploy, { kind: "scale", why: "web=3" });
  t.deepEqual((await checked("GET", "/apps/scale", "/apps/:app")).json.formation, { web: 3 });
  const bad: [object, RegExp][] = [
    [{ web: 0 }, /At least one web/],
    [{ clock: 1 }, /was expected \(web\), and clock came/],
    [{ release: 1 }, /and release came/],
    [{ web: 21 }, /may have 20 instances/],
    [{}, /none came/],
    [{ web: -1 }, /formation\.web/],
    [{ web: 1.5 }, /formation\.web/],
  ];
  for (const [formation, says] of bad) {
    const answer = await scaling("scale", formation);
    t.is(answer.status, 400, answer.text);
    t.regex(answer.json.detail, says);
  }
  await appWith("scale-later", []);
  t.is((await scaling("scale-later", { web: 2, worker: 3 })).json.deploy, null);
});

test("a restart needs something live", async (t) => {
  await appWith("restart", []);
  const restart = () =>
    checked("POST", "/apps/restart/restart", "/apps/:app/restart", { body: {} });
  t.is((await restart()).json.title, "nothing-live");
  await goLive(api.store, "restart", await api.deploys.push(pushOf("restart", "aaa")));
  t.like((await restart()).json.deploy, { kind: "restart", state: "queued" });
});

test("an app that holds has its pushes held, to be promoted or thrown away", async (t) => {
  await appWith("hold", ["aaa"]);
  const path = "/apps/hold/hold";
  const held = await checked("POST", path, "/apps/:app/hold", { body: { hold: true } });
  t.deepEqual(held.json, { hold: true });
  t.true((await api.deploys.push(pushOf("hold", "bbb"))).hold);
  t.true((await checked("GET", "/apps/hold", "/apps/:app")).json.hold);
  for (const what of ["promote", "abort"]) {
    const answer = await checked("POST", `/apps/hold/${what}`, `/apps/:app/${what}`, { body: {} });
    t.is(answer.json.title, "nothing-held", what);
  }
});

test("domains are added in their one form, belong to one app, and can be removed", async (t) => {
  await appWith("dom", ["aaa"]);
  await appWith("other", []);
  const add = (app: string, host: string) =>
    checked("POST", `/apps/${app}/domains`, "/apps/:app/domains", { body: { host } });
  const added = await add("dom", "Bücher.Example.:80");
  t.is(added.json.host, "xn--bcher-kva.example");
  t.like(added.json.deploy, { kind: "domains", why: "add xn--bcher-kva.example" });
  t.is((await add("other", "bücher.example")).json.title, "host-taken");
  t.is((await add("other", "api.teal.test")).json.title, "bad-host");
  t.is((await add("other", "http://x.example/")).json.title, "bad-host");
  const list = await checked("GET", "/apps/dom/domains", "/apps/:app/domains");
  t.deepEqual(list.json, { platform: "dom.teal.test", domains: ["xn--bcher-kva.example"] });
  const remove = (host: string) =>
    checked("DELETE", `/apps/dom/domains/${host}`, "/apps/:app/domains/:host");
  t.is((await remove("nowhere.example")).json.title, "domain-not-found");
  t.is((await remove("B%C3%BCcher.example")).status, 202);
  t.is((await add("other", "bücher.example")).status, 202);
});

test("a rollback goes to what differs: in all, in code, or in config", async (t) => {
  await appWith("part", ["aaa", "bbb"]);
  await goLive(api.store, "part", await api.deploys.push(pushOf("part", "bbb")));
  const back = (body: object) =>
    checked("POST", "/apps/part/rollback", "/apps/:app/rollback", { body });
  t.is((await back({})).json.deploy.toRelease, 1, "the standby runs the same");
  t.like((await back({ part: "code" })).json.deploy, { toRelease: 1, part: "code" });
  t.is((await back({ part: "config" })).json.title, "nothing-to-roll-back");
  t.like((await back({ part: "config", to: 2 })).json.deploy, { toRelease: 2, part: "config" });
});

test("a rollback past an irreversible release needs to be forced", async (t) => {
  await api.store.createApp("marked", "ann");
  for (const commit of ["aaa", "bbb", "ccc"]) {
    await goLive(api.store, "marked", await api.deploys.push(pushOf("marked", commit)));
  }
  const mark = (irreversible: boolean) =>
    call(api, "POST", "/apps/marked/releases/v2/irreversible", { body: { irreversible } });
  const back = (body: object) => call(api, "POST", "/apps/marked/rollback", { body });
  t.is((await mark(true)).status, 200);
  const refused = await back({ to: 1 });
  t.is(refused.status, 409);
  t.regex(refused.json.detail, /Release v2 of marked is marked as irreversible/);
  t.is((await back({ to: 2 })).status, 202, "to the marked one itself");
  t.is((await back({ to: 1, part: "config" })).status, 202);
  t.is((await back({ to: 1, force: true })).status, 202);
  await mark(false);
  t.is((await back({ to: 1 })).status, 202);
  const says = async () =>
    (await checked("GET", "/apps/marked/releases/2", "/apps/:app/releases/:release")).json
      .irreversible;
  t.false(await says());
  await mark(true);
  t.true(await says());
});
