import test from "ava";
import { startApi, type TestApi } from "../../support/api.ts";
import { call } from "../../support/api-client.ts";
import { addHook, deliver, headersOf, pushPayload } from "../../support/webhook.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

let apps = 0;
async function newApp(): Promise<string> {
  const name = `app-${++apps}`;
  await api.store.createApp(name, "ann");
  return name;
}

const commitOf = (digit: string) => digit.repeat(40);

test("a push to the sender's branch makes a deploy of exactly its commit, and says where", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, { provider: "github" });
  const { status, json, ms } = await deliver(api, hook, pushPayload(commitOf("a")));
  t.is(status, 202);
  t.is(json.deploy, `${app}-1`);
  t.is(json.url, `${api.url}/apps/${app}/deploys/${app}-1`);
  t.true(ms < 1000, `${ms} ms`);
  t.like(await api.store.getDeploy(`${app}-1`), {
    state: "queued",
    commit: commitOf("a"),
    ref: "refs/heads/main",
    sender: hook.sender.id,
    repo: "https://git.example.com/ann/shop.git",
    by: "github webhook",
    why: "Make it better",
  });
  const [listed] = await api.senders.deliveries(app, 10);
  t.like(listed, { event: "push", deploy: `${app}-1`, sender: hook.sender.id });
});

test("the address without a sender finds the one whose secret fits", async (t) => {
  const app = await newApp();
  await addHook(api, app, { provider: "gitlab" });
  const hook = await addHook(api, app, { provider: "gitea" });
  await addHook(api, app, { provider: "github" });
  const bare = { ...hook, path: `/hooks/${app}` };
  t.is((await deliver(api, bare, pushPayload(commitOf("a")))).status, 202);
  t.is((await api.store.getDeploy(`${app}-1`))?.sender, hook.sender.id);
});

test("what does not deploy is answered politely, with the reason, and listed", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, {
    provider: "github",
    branch: "release",
    repo: "https://git.example.com/ann/shop.git",
    events: ["push", "workflow_run"],
    paths: ["src/**", "*.json"],
  });
  const release = { ref: "refs/heads/release" };
  const changing = (file: string) => ({
    ...release,
    commits: [{ added: [], modified: [file], removed: [] }],
  });
  const other = { ...release, repository: { full_name: "eve/shop", clone_url: "https://e.com/e" } };
  const cases: [payload: unknown, event: string, reason: RegExp][] = [
    [pushPayload(commitOf("a")), "push", /deploys release, and this is refs\/heads\/main/],
    [pushPayload(commitOf("a"), { ref: "refs/tags/release" }), "push", /refs\/tags\/release/],
    [pushPayload(commitOf("a"), { ref: "refs/heads/--upload-pack=x" }), "push", /not taken here/],
    [pushPayload(commitOf("0"), { deleted: true }), "push", /deleted/],
    [pushPayload(commitOf("a"), changing("docs/x.md")), "push", /changes nothing of src/],
    [pushPayload(commitOf("a"), other), "push", /this is eve\/shop/],
    [{ zen: "…" }, "ping", /works/],
    [{ action: "opened" }, "issues", /deploys nothing/],
    [{ action: "published", release: { tag_name: "v1" } }, "release", /push, workflow_run/],
    [[1, 2, 3], "push", /deleted/],
    ["null", "workflow_run", /not ended/],
  ];
  for (const [payload, event, reason] of cases) {
    const { status, json } = await deliver(api, hook, payload, { event });
    t.is(status, 200, JSON.stringify(payload));
    t.is(json.deploy, null);
    t.regex(json.reason, reason);
  }
  t.deepEqual(await api.store.listDeploys(app, 10), []);
  t.is((await api.senders.deliveries(app, 100)).length, cases.length);
  const good = await deliver(api, hook, pushPayload(commitOf("a"), changing("src/deep/x.js")));
  t.is(good.status, 202);
});

test("CI that passed deploys; CI that failed, goes on, or ran for a fork does not", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, { provider: "github" });
  const run = (change: object = {}, more: object = {}) => ({
    action: "completed",
    workflow_run: {
      head_sha: commitOf("b"),
      head_branch: "main",
      conclusion: "success",
      event: "push",
      name: "CI",
      head_repository: { full_name: "ann/shop" },
      ...change,
    },
    repository: { full_name: "ann/shop", clone_url: "https://git.example.com/ann/shop.git" },
    ...more,
  });
  const fork = { head_repository: { full_name: "eve/shop" } };
  const event = "workflow_run";
  const cases: [object, RegExp][] = [
    [run({ conclusion: "failure" }), /ended with "failure"/],
    [run({}, { action: "requested" }), /not ended/],
    [run(fork), /fork/],
    [run({ event: "pull_request" }), /pull request/],
    [run({ event: "pull_request_target" }), /pull request/],
    [run({ head_branch: "topic" }), /this is refs\/heads\/topic/],
    [run({ head_sha: "abc" }), /names no branch/],
  ];
  for (const [payload, reason] of cases) {
    const { status, json } = await deliver(api, hook, payload, { event });
    t.is(status, 200);
    t.regex(json.reason ?? "", reason);
  }
  const passed = await deliver(api, hook, run(), { event });
  t.is(passed.status, 202);
  t.like(await api.store.getDeploy(passed.json.deploy), {
    commit: commitOf("b"),
    why: "CI passed",
  });
  const suite = {
    action: "completed",
    check_suite: { head_sha: commitOf("b"), head_branch: "main", conclusion: "success" },
    repository: run().repository,
  };
  const again = await deliver(api, hook, suite, { event: "check_suite" });
  t.is(again.status, 200);
  t.regex(again.json.reason, /is about the same commit \(queued\)/);
});

test("a release deploys its tag, and a plain signed delivery its commit, branch or tag", async (t) => {
  const app = await newApp();
  const github = await addHook(api, app, { provider: "github" });
  const release = {
    action: "published",
    release: { tag_name: "v1.2", name: "One" },
    repository: { full_name: "ann/shop", clone_url: "https://git.example.com/ann/shop.git" },
  };
  const made = await deliver(api, github, release, { event: "release" });
  t.like(await api.store.getDeploy(made.json.deploy), {
    ref: "refs/tags/v1.2",
    why: "release One",
  });
  const ci = await addHook(api, app, {
    provider: "standard",
    repo: "git@example.com:ann/shop.git",
  });
  const byCommit = await deliver(api, ci, { commit: commitOf("c"), why: "nightly" });
  t.like(await api.store.getDeploy(byCommit.json.deploy), {
    commit: commitOf("c"),
    repo: "ssh://git@example.com/ann/shop.git",
    why: "nightly",
  });
  t.is((await deliver(api, ci, { ref: "main" })).status, 202);
  t.is((await deliver(api, ci, { ref: "refs/tags/v2" })).status, 202);
  for (const payload of [
    {},
    { commit: "abc" },
    { ref: "topic" },
    { ref: "--exec=x" },
    { ref: 5 },
  ]) {
    t.is((await deliver(api, ci, payload)).json.deploy, null, JSON.stringify(payload));
  }
});

test("a body in a form is understood, one that is not JSON or too large is refused", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, { provider: "github" });
  const form = `payload=${encodeURIComponent(JSON.stringify(pushPayload(commitOf("d"))))}`;
  const headers = { "Content-Type": "application/x-www-form-urlencoded" };
  t.is((await deliver(api, hook, form, { headers })).status, 202);
  t.is((await deliver(api, hook, "{")).status, 400);
  const large = await deliver(api, hook, "x".repeat(1024 * 1024 + 1)).catch(() => null);
  if (large) t.is(large.status, 413);
});

test("only POST is taken, and only at an address that can be a sender's", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, { provider: "github" });
  const get = await fetch(api.url + hook.path);
  t.is(get.status, 405);
  t.is(get.headers.get("Allow"), "POST");
  for (const path of ["/hooks", "/hooks/", "/hooks/Shop", `${hook.path}/x`, `${hook.path}?a=b`]) {
    const body = JSON.stringify(pushPayload(commitOf("a")));
    const headers = headersOf(hook, body);
    const response = await fetch(api.url + path, { method: "POST", headers, body });
    t.is(response.status, 404, path);
  }
});

test("senders are made, listed and removed through the API, and the secret is shown once", async (t) => {
  const app = await newApp();
  const body = { provider: "github", repo: "https://git.example.com/a/b.git", token: "tok-en" };
  const made = await call(api, "POST", `/apps/${app}/hooks`, { body });
  t.is(made.status, 201);
  t.regex(made.json.secret, /^whsec_/);
  const listed = await call(api, "GET", `/apps/${app}/hooks`);
  t.deepEqual(listed.json.hooks, [made.json.hook]);
  t.false(listed.text.includes(made.json.secret) || listed.text.includes("tok-en"));
  const kept = JSON.stringify(await api.redis.connect().hgetall(`teal:app:${app}:senders`));
  t.false(kept.includes(made.json.secret) || kept.includes("tok-en"), "sealed at rest");
  const hook = { sender: made.json.hook, secret: made.json.secret, path: made.json.path };
  t.is((await deliver(api, hook, pushPayload(commitOf("a")))).status, 200);
  const path = `/apps/${app}/hooks/${made.json.hook.id}`;
  t.is((await call(api, "DELETE", path, { token: api.tokens.deploy })).status, 404);
  t.is((await call(api, "DELETE", path)).status, 204);
  t.is((await call(api, "DELETE", path)).status, 404);
  t.is((await deliver(api, hook, pushPayload(commitOf("a")))).status, 401);
});

test("a destroyed app takes no deliveries, and a new one of its name knows no old senders", async (t) => {
  const app = await newApp();
  const hook = await addHook(api, app, { provider: "github" });
  const { id } = await api.store.destroyApp(app);
  t.is((await deliver(api, hook, pushPayload(commitOf("a")))).status, 409);
  await api.store.forgetApp(app, id);
  await api.store.createApp(app, "ann");
  t.is((await deliver(api, hook, pushPayload(commitOf("a")))).status, 401);
  t.deepEqual(await api.senders.deliveries(app, 10), []);
});
