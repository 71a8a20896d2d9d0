import { once } from "node:events";
import { cpSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { ExecutionContext } from "ava";
import { Redis } from "ioredis";
import type { Crash } from "../../apps/crashes.ts";
import { keys } from "../../apps/keys.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { containersOf } from "../support/docker-remains.ts";
import { until } from "../support/platform.ts";
import { startSteadyLoad } from "../support/steady-load.ts";

const FIXTURES = resolve(import.meta.dirname, "../fixtures/apps");
const APP = "gate";

interface Context extends AppWorld {
  redis: Redis;
  /** What git showed of each push. */
  said: Map<string, string>;
}
const test = testApp<Context>({
  ...{ app: APP, fixture: "hello-plain" },
  env: { TEAL_DEPLOY_TIMEOUT: "3", TEAL_DRAIN: "2", TEAL_ALLOW_PRIVATE_FETCH: "1" },
});

test.serial.before("the store is looked at", async (t) => {
  t.context.said = new Map();
  t.context.redis = new Redis(join(t.context.platform.home, "redis.sock"));
  // It goes before the connection does.
  t.context.redis.on("error", () => undefined);
});

test.serial.after.always("no more", async (t) => {
  t.context.redis?.disconnect();
});

/** The clone becomes another fixture, as a whole. */
function become(t: ExecutionContext<Context>, fixture: string): void {
  const { dir } = t.context.repo;
  for (const name of readdirSync(dir)) {
    if (name !== ".git") rmSync(join(dir, name), { recursive: true });
  }
  cpSync(join(FIXTURES, fixture), dir, { recursive: true });
}

const load = (t: ExecutionContext<Context>) =>
  startSteadyLoad(t.context.platform.routerPort, `${APP}.localhost`, 2, 20);

/** A push that fails, while people ask: the live colour has not noticed. @returns what it said */
async function failUnnoticed(t: ExecutionContext<Context>): Promise<string> {
  const { platform, repo, redis } = t.context;
  const route = await redis.hget(keys.routes, APP);
  const traffic = load(t);
  const pushed = await repo.push();
  const { answered, lost, bodies } = await traffic.stop();
  t.is(pushed.status, 1, pushed.text);
  t.deepEqual(lost, []);
  t.is(bodies.size, 1, "none of them from another version");
  t.true(answered > 0);
  t.regex(pushed.text, /remote rejected.*pre-receive hook declined/);

  // Invariant 9: byte for byte.
  t.is(await redis.hget(keys.routes, APP), route);
  const [newest] = (await platform.api("GET", `/apps/${APP}/deploys`)).body.deploys;
  t.is(newest.state, "failed");
  return pushed.text;
}

/** Each breaks one gate on purpose, and what the push must say about it. */
const BROKEN: [fixture: string, says: RegExp][] = [
  ["never-healthy", /web\.1 did not become healthy within 3 s: status 500/],
  ["no-listener", /nothing listens on port 5000 \(\$PORT\), nor on any other/],
  ["wrong-port", /nothing listens on port 5000 \(\$PORT\): it listens on 3000/],
  ["localhost-only", /it listens on 127\.0\.0\.1:5000 only/],
  ["crashes-at-start", /its process ended with status 1/],
  ["eats-memory", /it was killed because it ran out of memory/],
  ["failing-build", /The build failed/],
  ["failing-release", /The release command ended with status 1/],
  ["no-start-command", /A way to start the app was expected/],
  ["broken-package-json", /package\.json/],
];

for (const [fixture, says] of BROKEN) {
  test.serial(
    `${fixture}: the push fails with its reason, and the live colour has not noticed`,
    async (t) => {
      t.timeout(60_000);
      const { platform } = t.context;
      become(t, fixture);
      const shown = await failUnnoticed(t);
      t.context.said.set(fixture, shown);
      t.regex(shown, says);
      // What it started is gone again.
      await until(30_000, async () => (await containersOf(platform.namespace)).length === 1);
    },
  );
}

test.serial("the app's last fifty lines are in the push when it crashes or a check fails", (t) => {
  const { said } = t.context;
  const lines = (fixture: string) => (said.get(fixture) ?? "").split("\n").map((it) => it.trim());
  const crashed = lines("crashes-at-start").filter((line) => /^starting, |^DATABASE/.test(line));
  const steps = Array.from({ length: 49 }, (_, n) => `starting, step ${n + 12} of 60`);
  t.deepEqual(crashed, [...steps, "DATABASE_URL is not set; cannot start"]);
  const tried = lines("never-healthy").filter((line) => line.startsWith("cannot answer"));
  t.deepEqual(
    tried,
    Array.from({ length: 50 }, () => "cannot answer /: the database is on fire"),
  );
});

test.serial("a good push after all of them goes live", async (t) => {
  become(t, "hello-plain");
  await t.notThrowsAsync(t.context.repo.goLive({ "version.txt": "after" }));
});

/** Asks the API for a change, and waits until its deploy is live. */
async function change(t: ExecutionContext<Context>, path: string, body: object): Promise<void> {
  const { platform } = t.context;
  const asked = await platform.api("POST", `/apps/${APP}/${path}`, body);
  t.is(asked.status, 202, JSON.stringify(asked.body));
  t.is((await platform.ended(asked.body.deploy.id)).state, "live");
}

test.serial(
  "two versions that cannot share their volume: the second fails, unnoticed",
  async (t) => {
    t.timeout(120_000);
    const { platform, repo } = t.context;
    const unsaid = await platform.api("POST", `/apps/${APP}/storage`, { mount: "data:/data" });
    t.is(unsaid.body.title, "overlap-unsaid");
    await change(t, "storage", { mount: "data:/data", overlap: true });
    become(t, "sqlite-ledger");
    await repo.goLive({});
    t.regex(await failUnnoticed(t), /two at once: database is locked/);
  },
);

interface Notice {
  type: string;
  data: { deploy: { id: string }; detail?: string };
}

/** What somebody is told of these events. */
async function listen(t: ExecutionContext<Context>, ...events: string[]): Promise<Notice[]> {
  const told: Notice[] = [];
  const receiver = createServer((req, res) => {
    void text(req).then((body) => told.push(JSON.parse(body)));
    res.end();
  }).listen(0, "127.0.0.1");
  t.teardown(() => receiver.close());
  await once(receiver, "listening");
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const wish = { kind: "webhook", url, events };
  const made = await t.context.platform.api("POST", `/apps/${APP}/notifications`, wish);
  t.is(made.status, 201, JSON.stringify(made.body));
  return told;
}

test.serial(
  "a release that is slow is swapped back by the guard; nobody lost anything",
  async (t) => {
    t.timeout(120_000);
    const { platform, repo } = t.context;
    const told = await listen(t, "guard-tripped", "deploy.rolled-back");
    become(t, "misbehaves");
    await repo.goLive({ "app.json": JSON.stringify({ formation: { web: { quantity: 2 } } }) });
    const watchOf = async () => (await platform.api("GET", `/apps/${APP}/guard`)).body.watch;
    const good = (await platform.api("GET", `/apps/${APP}`)).body.live.release;
    // With the default of 15 more of 100 it would trip as well; with the default of 30 s for longer.
    await platform.api("POST", `/apps/${APP}/guard`, { window: 25, slow: 50 });
    const traffic = startSteadyLoad(platform.routerPort, `${APP}.localhost`, 6, 20);
    const pushed = await repo.goLive({ "mood.txt": "slow\n" }, "slow");
    t.regex(pushed, /On guard for 25 s/);
    const began = performance.now();
    await until(40_000, async () => (await watchOf()).state !== "watching");
    t.log(`decided ${Math.round(performance.now() - began)} ms after the push had ended`);
    const watch = await watchOf();
    t.like(watch, { state: "tripped", against: good, limits: { window: 25, slow: 50, errors: 5 } });
    t.is(watch.until - watch.since, 25_000);
    const figures =
      /\d+\.\d % of \d+ answers took more than \d+ ms since, \d+\.\d % of \d+ answers before/;
    t.regex(watch.why, figures);
    const back = (await platform.api("GET", `/apps/${APP}/deploys?limit=1`)).body.deploys[0];
    t.like(back, { kind: "rollback", by: "guard", toRelease: good });
    t.regex(back.why, figures);
    t.is((await platform.ended(back.id)).state, "live");
    const { lost, bodies } = await traffic.stop();
    t.deepEqual(lost, []);
    t.deepEqual([...bodies].toSorted(), ["good", "slow"]);
    const [release] = (await platform.api("GET", `/apps/${APP}/releases`)).body.releases;
    t.like(release, { by: "guard", rollbackOf: good, status: "live" });
    await until(10_000, async () => told.length >= 2);
    t.deepEqual(told.map(({ type, data }) => `${type} ${data.deploy.id}`).toSorted(), [
      `deploy.rolled-back ${back.id}`,
      `guard-tripped ${back.id}`,
    ]);
  },
);

test.serial(
  "one of two in a crash loop: the other serves everybody, and people are told",
  async (t) => {
    t.timeout(120_000);
    const { platform } = t.context;
    const told = await listen(t, "crash-loop");
    const one = (await platform.live(APP)).find(({ index }) => index === 2);
    if (!one) throw new Error("two were expected");
    const crashes = async () =>
      (
        (await platform.api("GET", `/apps/${APP}/crashes`)).body.crashes as (Crash & {
          says: string;
        })[]
      )
        .filter(({ instance }) => instance === one.id)
        .toReversed();
    const traffic = load(t);
    const crashing = `http://${one.host}:${one.port}/crash?status=7&seconds=8`;
    await t.throwsAsync(fetch(crashing));
    await until(30_000, async () => told.length > 0);
    t.like(told, [{ type: "crash-loop" }]);
    t.regex(JSON.stringify(told), /web\.2 ended with status 7, time 5 within 5 minutes/);
    t.true((await platform.live(APP)).find(({ id }) => id === one.id)?.looping);
    const well = `http://${one.host}:${one.port}/health`;
    await until(60_000, async () => (await fetch(well)).status === 200);
    const { answered, lost, bodies } = await traffic.stop();
    t.deepEqual(lost, []);
    t.deepEqual([...bodies], ["good"]);
    t.true(answered > 100);

    const all = await crashes();
    t.deepEqual([...new Set(all.map(({ says }) => says))], ["web.2 ended with status 7"]);
    const apart = all.slice(1).map(({ at }, i) => at - (all[i]?.at ?? 0));
    t.log(`crashes ${apart.map(Math.round).join(", ")} ms apart`);
    // The engine waits 100 ms, 200 ms and so on up to a minute; the rest is the start of a process.
    for (const [i, ms] of apart.entries()) t.true(ms >= 100 * 2 ** i && ms < 61_000, `${i}: ${ms}`);
    t.is(told.length, 1, "once");
  },
);
