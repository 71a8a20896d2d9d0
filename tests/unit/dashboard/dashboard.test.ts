import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { createCrashes } from "../../../apps/crashes.ts";
import { GUARD_DEFAULTS } from "../../../apps/guard.ts";
import { createWatches } from "../../../apps/watches.ts";
import { staticPath } from "../../../apps/dashboard/static.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";
import { readEvents, sendRaw } from "../../support/api-client.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

async function signIn(token: string): Promise<{ status: number; cookie: string }> {
  const response = await post("/sign-in", "", { token });
  return {
    status: response.status,
    cookie: (response.headers.get("Set-Cookie") ?? "").split(";")[0] ?? "",
  };
}

const get = (path: string, Cookie: string) =>
  fetch(api.url + path, { redirect: "manual", headers: { Cookie } });
const post = (path: string, Cookie: string, form: Record<string, string> = {}) =>
  fetch(api.url + path, {
    method: "POST",
    redirect: "manual",
    headers: { Cookie, Origin: api.url },
    body: new URLSearchParams(form),
  });

async function appWith(name: string, commits: string[]) {
  await api.store.createApp(name, "ann");
  for (const commit of commits)
    await goLive(api.store, name, await api.deploys.push(pushOf(name, commit)));
}

test("without a session there is only the sign-in page; a wrong token begins none", async (t) => {
  t.is((await get("/", "")).headers.get("Location"), "/sign-in");
  t.is((await post("/apps/shop/rollback", "")).status, 401);
  const wrong = await signIn("teal_wrong");
  t.deepEqual(wrong, { status: 401, cookie: "" });
});

test("a session ends when its owner signs out", async (t) => {
  const { cookie } = await signIn(api.tokens.read);
  t.is((await get("/", cookie)).status, 200);
  t.is((await post("/sign-out", cookie)).status, 303);
  t.is((await get("/", cookie)).status, 303);
});

test("a session ends when the token that began it is revoked", async (t) => {
  const { id, secret } = await api.access.createToken({ name: "temp", role: "read", apps: "*" });
  const { cookie } = await signIn(secret);
  t.is((await get("/", cookie)).status, 200);
  await api.access.revokeToken(id);
  t.is((await get("/", cookie)).status, 303);
});

test("home shows each app's live colour, release, commit and newest deploy", async (t) => {
  await appWith("front", ["aaaaaaa", "bbbbbbb"]);
  const text = await (await get("/", (await signIn(api.tokens.admin)).cookie)).text();
  const card = text.split("<li ").find((part) => part.includes('href="/apps/front"')) ?? "";
  t.regex(card, /aria-label="green is live"/);
  t.regex(card, /aria-label="blue is standby"/);
  t.regex(card, /v2\s+<code>bbbbbbb<\/code>/);
  t.regex(card, /class="state live"/);
});

test("an app's page has both colours, its instances, deploys and releases", async (t) => {
  await appWith("whole", ["aaaaaaa", "bbbbbbb", "ccccccc"]);
  const text = await (await get("/apps/whole", (await signIn(api.tokens.admin)).cookie)).text();
  t.regex(text, /class="lane blue live"/);
  t.regex(text, /class="lane green standby"/);
  t.regex(text, /<b>standby<\/b> since <time/);
  t.regex(
    text,
    /<th scope="row">\s*web\.1 <b class="word blue">blue<\/b> v3\s*<\/th>\s+<td[^>]*>\s*live\s*</,
  );
  t.regex(text, /href="\/apps\/whole\/deploys\/whole-3"/);
  t.regex(text, /Roll back to v2/);
  const releases = await get("/apps/whole/releases", (await signIn(api.tokens.admin)).cookie);
  const listed = await releases.text();
  t.regex(listed, /name="to" value="1"/);
  t.regex(listed, /Its image is kept: it is live\..*kept: it is one of the newest 20 good ones/s);
});

test("each instance is shown with its requests now and its errors of the last hour", async (t) => {
  await appWith("asked", ["aaaaaaa"]);
  const at = Date.now();
  const web = { colour: "blue", name: "web.1", cpu: 0.1, memory: 1e6, limit: 0 } as const;
  const sample = (before: number, requests: number, errors: number) => ({
    ...{ at: at - before, seconds: 10, colours: {} },
    instances: { "teal-asked-1-web-1": { ...web, requests, errors } },
  });
  for (const one of [sample(600_000, 100, 20), sample(5000, 300, 5)]) {
    await api.series.append(new Map([["asked", one]]));
  }
  const { cookie } = await signIn(api.tokens.admin);
  const text = await (await get("/apps/asked/processes", cookie)).text();
  const row = /<th scope="row">\s*web\.1[^]*?<\/tr>/.exec(text)?.[0] ?? "";
  t.regex(row, /data-name="Requests\/s" title="">\s*30\s*<\/td>/);
  t.regex(row, /class="number bad" data-name="Errors" title="25 of 400 requests">\s*25 \(6\.3 %\)/);
  await api.store.changeSettings("asked", { options: { stopped: true } });
  for (const path of ["/apps/asked", "/apps/asked/processes"]) {
    const stopped = await (await get(path, cookie)).text();
    t.regex(stopped, /<th scope="row">\s*web\.1[^]*?<td[^>]*>\s*stopped\s*<\/td>/, path);
  }
  const authorization = `Bearer ${api.tokens.admin}`;
  const ps = await fetch(`${api.url}/api/v1/apps/asked/ps`, { headers: { authorization } });
  const [one] = ((await ps.json()) as { instances: { usage?: object }[] }).instances;
  t.like(one?.usage, { requests: 300, errors: 5 });
});

test("a release of a config change says what was set, and no value", async (t) => {
  await appWith("configured", ["aaaaaaa"]);
  const why = "set DATABASE_URL";
  const asked = await api.deploys.change({ app: "configured", kind: "config", by: "ann", why });
  if (!asked) throw new Error("nothing was asked for");
  await goLive(api.store, "configured", asked);
  const { cookie } = await signIn(api.tokens.admin);
  const text = await (await get("/apps/configured", cookie)).text();
  t.regex(text, /<span>config: set DATABASE_URL<\/span>/);
});

test("a roll back from the page records the deploy and shows it; a reader has no such button", async (t) => {
  await appWith("shop", ["aaa", "bbb", "ccc"]);
  const reader = (await signIn(api.tokens.read)).cookie;
  t.false((await (await get("/apps/shop", reader)).text()).includes("Roll back"));
  t.is((await post("/apps/shop/rollback", reader)).status, 403);
  const { cookie } = await signIn(api.tokens.deploy);
  const warm = await post("/apps/shop/rollback", cookie);
  t.is(warm.status, 303);
  t.is(warm.headers.get("Location"), "/apps/shop");
  t.like(await api.store.getDeploy("shop-4"), { toRelease: 2, by: "dora", state: "queued" });
  t.is((await post("/apps/shop/deploys/shop-4/cancel", cookie)).status, 303);
  t.is((await api.store.getDeploy("shop-4"))?.state, "cancelled");
  await post("/apps/shop/rollback", cookie, { to: "1" });
  t.is((await api.store.getDeploy("shop-5"))?.toRelease, 1);
  t.is((await post("/apps/shop/rollback", cookie, { to: "x" })).status, 400);
  t.is((await post("/apps/shop/rollback", cookie, { to: "99" })).status, 404);
});

test("a release on guard says so, a guard that swapped back says why, and crashes are counted", async (t) => {
  await appWith("guarded", ["aaa", "bbb", "ccc"]);
  const connection = api.redis.connect();
  const watches = createWatches(connection);
  const crashes = createCrashes(connection);
  const traffic = { answers: 0, errors: 0, buckets: [] };
  const watch = {
    ...{
      app: "guarded",
      deploy: "guarded-3",
      seq: 3,
      release: 3,
      against: 2,
      limits: GUARD_DEFAULTS,
    },
    ...{ since: Date.now(), until: Date.now() + 30_000, before: traffic },
    crashesBefore: { crashes: 0, ms: 0 },
  };
  await watches.open({ ...watch, state: "watching" });
  const { cookie } = await signIn(api.tokens.admin);
  const page = async (path: string) => (await get(path, cookie)).text();
  t.regex(await page("/apps/guarded"), /<b>On guard<\/b> for 30 s after its swap: back to v2/);
  await watches.close({ ...watch, release: 2, state: "tripped", why: "9 of 100 answers failed." });
  t.regex(await page("/apps/guarded"), /<b>The guard swapped back<\/b> from v2: 9 of 100/);
  for (let i = 0; i < 5; i++) {
    await crashes.record("guarded", {
      ...{
        at: Date.now() - 9000 + i * 1000,
        instance: "teal-guarded-3-web-1",
        process: "web.1",
        release: 3,
      },
      ...{ deploy: "guarded-3", cause: "memory", status: 137 },
    } as const);
  }
  t.regex(await page("/apps/guarded"), /title="web\.1 ran out of memory[^"]*">\s*5\s*</);
  const card = (await page("/")).split("<li ").find((one) => one.includes('href="/apps/guarded"'));
  t.regex(card ?? "", /class="health crashing"/);
  connection.disconnect();
});

const fromOf = (text: string) => /data-from="([^"]+)"/.exec(text)?.[1] ?? "";

test("a deploy's page has the log so far, and the stream goes on from there", async (t) => {
  await api.store.createApp("streams", "ann");
  const deploy = await api.deploys.push(pushOf("streams", "aaa"));
  await api.deployLog.append(deploy.id, [{ kind: "step", text: "Build <1>" }]);
  const { cookie } = await signIn(api.tokens.admin);
  const path = `/apps/streams/deploys/${deploy.id}`;
  const text = await (await get(path, cookie)).text();
  t.regex(text, /<li id="L1" class="step">.*Build &lt;1&gt;/s);
  const lines: string[] = [];
  const from = encodeURIComponent(fromOf(text));
  const following = readEvents(api, `${path}/events?from=${from}`, { Cookie: cookie }, (events) => {
    for (const one of events.slice(lines.length)) lines.push(String(one.event));
    return events.some((one) => one.event === "parts" && JSON.stringify(one.data).includes("took"));
  });
  await api.deployLog.append(deploy.id, [{ kind: "info", text: "\u001B[31m<more>\u001B[0m" }]);
  await goLive(api.store, "streams", deploy);
  const events = await following;
  const said = events.filter((one) => one.event === "line").map((one) => one.data);
  t.deepEqual(said, [{ kind: "info", html: '<span class="c1">&lt;more&gt;</span>' }]);
});

test("a stream that was cut goes on where its last event was, and one with a strange place starts anew", async (t) => {
  await api.store.createApp("cut", "ann");
  const deploy = await api.deploys.push(pushOf("cut", "aaa"));
  await api.deployLog.append(
    deploy.id,
    ["1", "2", "3"].map((text) => ({ kind: "info", text })),
  );
  const { cookie } = await signIn(api.tokens.admin);
  const path = `/apps/cut/deploys/${deploy.id}/events`;
  const linesFrom = async (id: string, count: number) => {
    const headers = { Cookie: cookie, "Last-Event-ID": id };
    const events = await readEvents(
      api,
      path,
      headers,
      (some) => some.filter((one) => one.event === "line").length >= count,
    );
    return events.filter((one) => one.event === "line");
  };
  const all = await linesFrom("", 3);
  t.is(all.length, 3);
  const rest = await linesFrom(String(all[0]?.id), 2);
  t.deepEqual(
    rest.map((one) => one.data.html),
    ["2", "3"],
  );
  t.is((await linesFrom("~~~'; --", 3)).length, 3);
});

test("an open page is sent what changed at a swap, and nothing while nothing changes", async (t) => {
  await appWith("hears", ["aaa"]);
  const { cookie } = await signIn(api.tokens.admin);
  const from = async () => fromOf(await (await get("/apps/hears", cookie)).text());
  const shown = await from();
  t.is(await from(), shown);
  const path = `/apps/hears/events?from=${encodeURIComponent(shown)}`;
  const hasStage = (events: { event?: string; data: unknown }[]) =>
    events.some(
      (one) => one.event === "parts" && JSON.stringify(one.data).includes("lane green live"),
    );
  const listening = readEvents(api, path, { Cookie: cookie }, hasStage);
  await goLive(api.store, "hears", await api.deploys.push(pushOf("hears", "bbb")));
  const events = await listening;
  const parts = events.filter((one) => one.event === "parts");
  t.true(hasStage(parts));
  t.false(JSON.stringify(parts[0]).includes("data-charts"));
  t.true(String(events.at(-1)?.id).includes("~"));
  // The stage may have been sent before the deploy had ended; and the doctor looks by itself, a moment later.
  let id = "";
  for (let tries = 0; tries < 20 && id !== (id = await from()); tries++) await sleep(700);
  const quiet = await Promise.race([
    readEvents(api, "/apps/hears/events", { Cookie: cookie, "Last-Event-ID": id }, (some) =>
      some.some((one) => one.event === "parts"),
    ),
    sleep(700, "quiet"),
  ]);
  t.is(quiet, "quiet");
});

test("a release says what it changed, config by its names alone", async (t) => {
  const { secrets } = api.options;
  await api.store.createApp("differs", "ann");
  const config = [
    { KEPT: "1", GONE: "2", TURNED: "old-value" },
    { KEPT: "1", CAME: "3", TURNED: "new-value" },
  ];
  for (const [i, values] of config.entries()) {
    const sealed = Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, secrets.seal("differs", name, value)]),
    );
    const deploy = await api.deploys.push(pushOf("differs", `${i}`.repeat(40)));
    await goLive(api.store, "differs", deploy, {
      config: sealed,
      processes: i === 0 ? { web: "node a.js" } : { web: "node b.js", worker: "node w.js" },
    });
  }
  const { cookie } = await signIn(api.tokens.admin);
  const text = await (await get("/apps/differs/releases", cookie)).text();
  const diff = /<details class="diff">(.*?)<\/details>/s.exec(text)?.[1] ?? "";
  t.regex(diff, /What changed since v1/);
  const lines = [...diff.matchAll(/<li class="(\w+)">([^<]+)</g)].map(([, kind, line]) => [
    kind,
    line,
  ]);
  t.deepEqual(lines, [
    ["changed", "commit: 0000000 → 1111111"],
    ["added", "+ CAME"],
    ["removed", "− GONE"],
    ["changed", "~ TURNED"],
    ["changed", "web: node a.js → node b.js"],
    ["changed", "worker: none → node w.js"],
  ]);
  t.notRegex(text, /(old|new)-value/);
});

test("who sees no app yet sees the first one come: the empty home page has a stream too", async (t) => {
  const { cookie } = await signIn(api.tokens.elsewhere);
  const text = await (await get("/", cookie)).text();
  t.regex(text, /data-live="\/events"/);
  const coming = readEvents(
    api,
    `/events?from=${encodeURIComponent(fromOf(text))}`,
    { Cookie: cookie },
    (events) => events.length > 0,
  );
  await appWith("other", ["aaaaaaa"]);
  t.is((await coming)[0]?.event, "reload");
});

test("pages and files are sent compressed to who takes it", async (t) => {
  const { cookie } = await signIn(api.tokens.admin);
  for (const path of ["/", staticPath("style.css"), staticPath("main.js")]) {
    for (const coding of ["br", "gzip"]) {
      const raw = await sendRaw(
        api.port,
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: ${cookie}\r\nAccept-Encoding: ${coding}\r\n\r\n`,
      );
      t.regex(raw, new RegExp(`^content-encoding: ${coding}`, "im"), path);
      t.regex(raw, /^vary: accept-encoding/im, path);
    }
  }
  t.regex(await (await get("/", cookie)).text(), /^<!doctype html>/);
});

test("only the files of the dashboard are served, kept for good by what they hold", async (t) => {
  const script = await get(staticPath("main.js"), "");
  t.is(script.status, 200);
  t.regex(script.headers.get("Content-Type") ?? "", /javascript/);
  t.is(script.headers.get("Cache-Control"), "public, max-age=31536000, immutable");
  const older = await get("/static/of-another-version/main.js", "");
  t.is(older.status, 200, "a page from before an upgrade still finds it");
  t.is(older.headers.get("Cache-Control"), "no-store");
  const { cookie } = await signIn(api.tokens.admin);
  for (const path of [
    staticPath("tsconfig.json"),
    staticPath("../html.ts"),
    staticPath("%2e%2e/html.ts"),
    "/static/",
    staticPath("nothing.css"),
  ]) {
    t.is((await get(path, cookie)).status, 404, path);
  }
});
