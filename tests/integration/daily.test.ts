import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import { Redis } from "ioredis";
import { keys } from "../../apps/keys.ts";
import { remainsOf } from "../support/app-remains.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { ask } from "../support/asking.ts";
import { runningOf, volumesOf } from "../support/docker-remains.ts";
import { until } from "../support/platform.ts";
import { createRepo, type Repo } from "../support/repo.ts";
import { createSearch, searchRedis } from "../support/secret-search.ts";
import { startSteadyLoad } from "../support/steady-load.ts";
import { createTeal } from "../support/teal-cli.ts";

const APP = "daily";

/** Another app, whose jobs run by the clock while the tests do. */
const CLOCK = "clock";
const CRON = [
  { command: "echo by the clock of $TEAL_RELEASE; exit 3", schedule: "* * * * *" },
  { command: "false", schedule: "0 4 * * *", maintenance: true },
];

interface Context extends AppWorld {
  clock: Repo;
}
const test = testApp<Context>({
  ...{ app: APP, fixture: "talks", routers: 2, env: { TEAL_DRAIN: "1" } },
});

test.serial.before("jobs begin", async (t) => {
  t.context.clock = createRepo("talks", t.context.platform, CLOCK);
  await t.context.clock.init();
  await t.context.clock.goLive({ "app.json": JSON.stringify({ cron: CRON }) });
});

test.serial.after.always("and end", (t) => t.context.clock?.remove());

const tell = (t: ExecutionContext<Context>, path = "/") =>
  ask(t.context.platform.routerPort, `${APP}.localhost`, path);

/** The app's containers that run, by name. */
async function running({ context: { platform } }: ExecutionContext<Context>): Promise<string[]> {
  const all = await runningOf(platform.namespace);
  return all.filter((name) => name.startsWith(`${platform.namespace}-${APP}-`));
}

test.serial("a stopped app answers 503, stays down, and starts again where it was", async (t) => {
  t.timeout(120_000);
  const { platform, repo } = t.context;
  const { teal } = createTeal(platform);
  const before = await running(t);
  const load = startSteadyLoad(platform.routerPort, `${APP}.localhost`);
  const stopped = await teal(["ps:stop", "-a", APP]);
  const { lost } = await load.stop();
  t.is(stopped.code, 0, stopped.err);
  t.deepEqual(new Set(lost.map((one) => /503/.test(one))), new Set([true]), JSON.stringify(lost));
  t.deepEqual(await running(t), []);
  t.is(await tell(t), "status 503");
  t.regex((await teal(["apps:info", "-a", APP])).out, /state +stopped/);
  t.regex((await teal(["ps", "-a", APP])).out, /^web\.1 +\S+ +v1 +stopped/m);
  // A worker that comes up looks at all there is.
  const ready = () => platform.platformLog().split("worker is ready").length;
  const began = ready();
  platform.signal("worker-1", "SIGKILL");
  await until(20_000, async () => ready() > began);
  await sleep(1500);
  t.deepEqual(await running(t), []);
  const started = await teal(["ps:start", "-a", APP]);
  t.is(started.code, 0, started.err);
  t.is(await tell(t), "done");
  t.deepEqual(await running(t), before);
  await teal(["ps:stop", "-a", APP]);
  const pushed = await repo.push();
  t.is(pushed.status, 0, pushed.text);
  t.regex(pushed.text, /was stopped; it starts with this release/);
  t.is(await tell(t), "done");
});

test.serial(
  "a volume outlives releases and the app; nobody gets one without the overlap said",
  async (t) => {
    t.timeout(120_000);
    const { platform, repo } = t.context;
    const { teal } = createTeal(platform);
    const unsaid = await teal(["storage:add", "data:/data", "-a", APP]);
    t.is(unsaid.code, 2);
    t.regex(unsaid.err, /--overlap yes/);
    const foreign = await teal(["storage:add", "/etc/ssl:/data", "--overlap", "yes", "-a", APP]);
    t.is(foreign.code, 3, foreign.err);
    const added = await teal(["storage:add", "data:/data", "--overlap", "yes", "-a", APP]);
    t.is(added.code, 0, added.err);
    const inside = "id -u > /data/who && echo kept > /data/file && cat /data/who";
    const written = await teal(["enter", "-a", APP, "web.1", inside]);
    t.is(written.code, 0, written.err);
    t.not(written.out.trim(), "0", "the app's own user may write");
    const pushed = await repo.push();
    t.is(pushed.status, 0, pushed.text);
    t.is((await teal(["run", "-a", APP, "cat /data/file"])).out, "kept\n");
    t.is((await teal(["rollback", "v1", "-a", APP])).code, 0);
    t.not((await teal(["run", "-a", APP, "cat /data/file"])).code, 0, "v1 had none");
    t.is((await teal(["storage:remove", "other", "-a", APP])).code, 4);

    const destroy = async (...more: string[]) => {
      t.is((await teal(["apps:destroy", "-a", APP, "--confirm", APP, ...more])).code, 0);
      await until(40_000, async () => (await platform.api("GET", `/apps/${APP}`)).status === 404);
    };
    await destroyWhileItDeploys(t, destroy);
    t.deepEqual(await volumesOf(platform.namespace), [`${platform.namespace}-${APP}-data`]);
    t.is((await repo.push({ Procfile: "web: node server.js\n" })).status, 0);
    t.is((await teal(["storage:add", "data:/data", "--overlap", "yes", "-a", APP])).code, 0);
    t.is((await teal(["run", "-a", APP, "cat /data/file"])).out, "kept\n");
    await destroy("--volumes");
    t.deepEqual(await volumesOf(platform.namespace), []);
  },
);

/** Invariant 11: what a deploy has begun goes with the app. */
async function destroyWhileItDeploys(
  t: ExecutionContext<Context>,
  destroy: () => Promise<void>,
): Promise<void> {
  const { platform, repo } = t.context;
  const { teal } = createTeal(platform);
  t.is((await teal(["config:set", "PASSWORD=sesame", "-a", APP])).code, 0);
  t.is((await teal(["domains:add", "daily.example", "-a", APP])).code, 0);
  const sealed = await sealedIn(platform.home);
  const before = await remainsOf(platform, APP);
  for (const kind of ["container", "network", "volume", "image", "file", "redis teal:routes"]) {
    t.true(
      before.some((one) => one.startsWith(`${kind} `) || one === kind),
      `${kind}: ${before.join()}`,
    );
  }
  const procfile = "web: node server.js\nrelease: sleep 300\n";
  const pushing = repo.push({ Procfile: procfile });
  const releases = async () => (await running(t)).some((name) => name.endsWith("-release"));
  await until(40_000, releases);
  await destroy();
  const pushed = await pushing;
  t.is(pushed.status, 1, pushed.text);
  await sleep(2000);
  // Routers go on saying which version of its route they have heard of: that it has none.
  const after = (await remainsOf(platform, APP)).filter(
    (one) => !one.startsWith("redis teal:router:"),
  );
  t.deepEqual(after.toSorted(), [
    ...["redis teal:events", "redis teal:past"],
    `volume ${platform.namespace}-${APP}-data`,
  ]);
  const search = createSearch({ mark: sealed, made: {} });
  t.deepEqual(await searchRedis(search, join(platform.home, "redis.sock")), []);
  for (const host of [`${APP}.localhost`, "daily.example"]) {
    t.is(await ask(platform.routerPort, host), "status 404");
  }
}

/** A value of the app's config as Redis has it. */
async function sealedIn(home: string): Promise<string> {
  const redis = new Redis({ path: join(home, "redis.sock") });
  const releases = Object.values(await redis.hgetall(keys.releases(APP)));
  redis.disconnect();
  const sealed = releases.map((json) => JSON.parse(json).config.PASSWORD).find(Boolean);
  if (!sealed) throw new Error("PASSWORD is not there");
  return sealed;
}

test.serial(
  "cron's jobs have run by the clock in the live release, and say how it went",
  async (t) => {
    t.timeout(180_000);
    const { clock, platform } = t.context;
    const { teal } = createTeal(platform);
    const wrong = { cron: [{ command: "true", schedule: "every minute" }] };
    const refused = await clock.push({ "app.json": JSON.stringify(wrong) });
    t.regex(refused.text, /five fields such as/);
    const { jobs } = (await platform.api("GET", `/apps/${CLOCK}/cron`)).body;
    const [minutely, paused] = jobs as { next: number | null }[];
    const away = (minutely?.next ?? 0) - Date.now();
    t.true(away > -10_000 && away <= 60_000, `due in ${away} ms`);
    t.is((minutely?.next ?? 1) % 60_000, 0);
    t.is(paused?.next, null);
    const list = (await teal(["cron", "-a", CLOCK])).out;
    t.regex(list, /^\* \* \* \* \* +\d{4}-\d\d-\d\dT\d\d:\d\d +allow /m);
    t.regex(list, /^0 4 \* \* \* +not for now +allow /m);
    await until(90_000, async () => {
      const { body } = await platform.api("GET", `/apps/${CLOCK}/cron`);
      return body.jobs[0].last?.state === "failed" && body.jobs[0].last.exit === 3;
    });
    const { out } = await teal(["logs", "-a", CLOCK, "--ps", "run", "--grep", "clock"]);
    t.regex(out, /run\.[0-9a-f]{8}: by the clock of v1/);
    t.regex((await teal(["cron", "-a", CLOCK])).out, /failed, status 3, run\./);
  },
);
