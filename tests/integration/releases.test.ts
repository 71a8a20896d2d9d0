import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { Redis } from "ioredis";
import { keys } from "../../apps/keys.ts";
import type { ReleaseView } from "../../apps/views.ts";
import { startCiRepo, type CiRepo } from "../support/ci-repo.ts";
import { until } from "../support/platform.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { createTeal } from "../support/teal-cli.ts";
import { deliver, pushPayload } from "../support/webhook.ts";

const APP = "books";
const DAY_MS = 24 * 3600_000;

interface Context extends AppWorld {
  ci: CiRepo;
  redis: Redis;
}
const test = testApp<Context>({
  ...{ app: APP, fixture: "shows-config", files: null, routers: 2 },
  env: { TEAL_ALLOW_PRIVATE_FETCH: "1", TEAL_DRAIN: "1" },
});

test.serial.before("where a CI pushes to, and the store", async (t) => {
  t.context.ci = await startCiRepo();
  t.context.redis = new Redis(join(t.context.platform.home, "redis.sock"));
  t.context.redis.on("error", () => undefined);
});
test.serial.after.always("both end", (t) => {
  t.context.ci?.stop();
  t.context.redis?.disconnect();
});

/** What each release was right after it was made. */
const made = new Map<number, ReleaseView>();
/** Of a release the part that is no record, but says what has become of it. */
const NOW = { status: null, colour: null, retained: null, irreversible: null };

type T = ExecutionContext<Context>;

/** A command about the app. @throws Error with what it said when it did not end well */
async function say({ context: { platform } }: T, ...words: string[]): Promise<string> {
  const { code, out, err } = await createTeal(platform).teal([...words, "-a", APP]);
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${out}${err}`);
  return out;
}

const infoOf = async (t: T, n: number): Promise<ReleaseView> =>
  JSON.parse(await say(t, "releases:info", `v${n}`, "--json"));

async function newest(t: T): Promise<ReleaseView> {
  const [{ n }] = JSON.parse(await say(t, "releases", "--limit", "1", "--json"));
  const release = await infoOf(t, n);
  made.set(n, release);
  return release;
}

const head = async ({ context: { repo } }: T) => (await repo.git("rev-parse", "HEAD")).text.trim();

const APP_JSON = {
  healthchecks: {
    web: [{ path: "/value?name=A", content: "1", attempts: 2, timeout: 3, wait: 1 }],
  },
  formation: { worker: { quantity: 2, memory: "96M" } },
  scripts: { dokku: { predeploy: "true" } },
  cron: [{ command: "node report.js", schedule: "0 4 * * *" }],
};

test.serial("a push makes a release of all that it is", async (t) => {
  t.timeout(90_000);
  const { repo, platform } = t.context;
  await platform.api("POST", "/apps", { name: APP });
  await say(t, "config:set", "A=1", "SECRET=s3cr3t");
  await say(t, "domains:add", "books.example");
  await say(t, "storage:add", "data:/data", "--overlap", "yes");
  const pushed = await repo.push({ "app.json": JSON.stringify(APP_JSON) }, "The first one");
  t.is(pushed.status, 0, pushed.text);
  const { createdAt, retained, ...release } = (await newest(t)) as ReleaseView & {
    retained: object;
  };
  const tag = `${platform.namespace}/${APP}:${APP}-1`;
  const [image] = JSON.parse(execFileSync("docker", ["image", "inspect", tag]).toString());
  const waits = { attempts: 2, timeoutMs: 3000, waitMs: 1000, initialDelayMs: 0 };
  t.deepEqual(release, {
    ...{ app: APP, n: 1, status: "live", colour: "blue", irreversible: false },
    ...{ deploy: `${APP}-1`, kind: "push", by: "admin", why: "The first one" },
    ...{ commit: await head(t), image: image.Id, imageBytes: image.Size, port: 5000 },
    processes: { web: "node server.js", worker: "node worker.js", release: "node release.js" },
    formation: { web: 1, worker: 2 },
    defaults: { worker: 2 },
    checks: { web: [{ type: "startup", path: "/value?name=A", content: "1", ...waits }] },
    scripts: { predeploy: "true" },
    ...{ runtime: { worker: { memory: 96 } }, runtimeDefaults: { worker: { memory: 96 } } },
    config: ["A", "SECRET"],
    mounts: [{ source: "data", target: "/data" }],
    cron: release.cron as never,
    domains: ["books.example"],
  } as never);
  t.like(release.cron?.[0], { command: "node report.js", schedule: "0 4 * * *" });
  t.true(Math.abs(createdAt - Date.now()) < 60_000);
  t.deepEqual(retained, { kept: true, why: "it is live" });
  const words = await say(t, "releases:info", "v1");
  for (const part of [
    ...[
      image.Id,
      release.commit,
      "2 × node worker.js",
      "A SECRET",
      "web startup: GET /value?name=A",
    ],
    ...[
      "data:/data",
      "0 4 * * *  node report.js",
      "worker memory=96M",
      "books.example",
      `${APP}-1`,
      "admin, ",
    ],
    ...["The first one", "kept: it is live"],
  ])
    t.true(words.includes(part), `${part} in ${words}`);
  t.regex(words, /predeploy +true/);
  t.false(words.includes("s3cr3t"));
});

test.serial("config, a rollback and a webhook make releases; scale and domains none", async (t) => {
  t.timeout(120_000);
  const { repo, platform, ci } = t.context;
  const [first] = [made.get(1) as ReleaseView];
  await say(t, "config:set", "MORE=1");
  const config = await newest(t);
  t.like(config, {
    ...{ n: 2, kind: "config", why: "set MORE", by: "admin", deploy: `${APP}-2`, colour: "green" },
    ...{ config: ["A", "MORE", "SECRET"], image: first.image, commit: first.commit },
  });
  t.deepEqual(
    [config.checks, config.cron, config.mounts, config.runtime, config.scripts],
    [first.checks, first.cron, first.mounts, first.runtime, first.scripts],
  );

  await say(t, "ps:scale", "web=2", "worker=1");
  await say(t, "domains:add", "more.example");
  t.is((await newest(t)).n, 2, "neither is a release");
  await say(t, "rollback", "v1", "--why", "the numbers were wrong");
  const back = await newest(t);
  t.like(back, {
    ...{ n: 3, kind: "rollback", rollbackOf: 1, why: "the numbers were wrong", by: "admin" },
    ...{ config: ["A", "SECRET"], image: first.image, deploy: `${APP}-5` },
  });
  t.deepEqual(
    [back.formation, back.domains],
    [{ web: 2, worker: 1 }, ["books.example", "more.example"]],
  );
  t.regex(await say(t, "releases"), /v3 +live .* rollback to v1 +admin/);

  const { body } = await platform.api("POST", `/apps/${APP}/hooks`, {
    provider: "github",
    repo: ci.url,
  });
  await repo.commit("From the CI");
  t.is((await repo.git("push", "-q", ci.dir, "main")).status, 0);
  const hook = { sender: body.hook, secret: body.secret, path: body.path };
  const passed = await deliver({ url: platform.apiUrl }, hook, pushPayload(await head(t)));
  t.is((await platform.ended(passed.json.deploy)).state, "live");
  t.like(await newest(t), {
    ...{ n: 4, kind: "push", by: "github webhook", why: "Make it better" },
    ...{ commit: await head(t), domains: ["books.example", "more.example"] },
  });
});

test.serial("whatever is changed afterwards, a release stays what it was", async (t) => {
  t.timeout(90_000);
  const { repo, redis } = t.context;
  const stored = await redis.hgetall(keys.releases(APP));
  await say(t, "config:unset", "SECRET", "--no-restart");
  await say(t, "limits:set", "web.memory=128M", "--no-follow");
  await say(t, "ps:scale", "worker=0", "web=1");
  await say(t, "domains:remove", "books.example");
  await say(t, "storage:remove", "data");
  t.is((await repo.push({ "new.txt": "1" }, "The last one")).status, 0);
  await newest(t);
  t.like(await redis.hgetall(keys.releases(APP)), stored, "byte by byte");
  t.true(made.size >= 5);
  for (const [n, before] of made)
    t.deepEqual({ ...(await infoOf(t, n)), ...NOW }, { ...before, ...NOW });
});

/** Makes the records of releases older, as no test can wait. */
async function age({ context: { redis } }: T, releases: number[]): Promise<void> {
  for (const n of releases) {
    const record = JSON.parse((await redis.hget(keys.releases(APP), String(n))) ?? "");
    const createdAt = record.createdAt - 31 * DAY_MS;
    await redis.hset(keys.releases(APP), n, JSON.stringify({ ...record, createdAt }));
  }
}

const all = async (t: T): Promise<ReleaseView[]> => JSON.parse(await say(t, "releases", "--json"));
const isHere = ({ image }: ReleaseView) =>
  execFileSync("docker", ["images", "-aq", "--no-trunc"]).toString().includes(image);

test.serial("what is too old loses its image; what is live or warm does not", async (t) => {
  t.timeout(120_000);
  const { platform, repo } = t.context;
  // Two more commits, so that nothing that runs is of the old image.
  for (const version of ["x", "y"]) await repo.goLive({ "new.txt": version }, version);
  const [live, warm, kept, ...old] = await all(t);
  if (!live || !warm || !kept) throw new Error("three releases were expected");
  await age(
    t,
    [warm, ...old].map(({ n }) => n),
  );
  await say(t, "retention:set", "days=30");
  t.true(old.every(isHere));
  // What was live before the last two is on its way out.
  await until(30_000, async () => {
    await createTeal(platform).teal(["gc"]);
    return !old.some(isHere);
  });
  t.true([live, warm, kept].every(isHere));
});

test.serial("what is live, warm, kept and gone is shown, and why", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  const [live, warm, kept, ...old] = await all(t);
  const shown = await say(t, "releases");
  const expected = { live, warm, kept, gone: old[0] };
  for (const [status, one] of Object.entries(expected))
    t.regex(shown, new RegExp(`^v${one?.n} +${status} `, "m"));
  t.true(old.every(({ status }) => status === "gone"));
  const why = async (n = 0) => /retention +(.*)/.exec(await say(t, "releases:info", `v${n}`))?.[1];
  t.is(await why(live?.n), "kept: it is live");
  t.is(await why(warm?.n), "kept: it is the standby");
  t.is(await why(kept?.n), "kept: it is one of the newest 20 good ones");
  for (const { n } of old) t.is(await why(n), "not kept: it is older than 30 days");

  const refused = await createTeal(platform).teal(["rollback", "v1", "-a", APP]);
  t.is(refused.code, 1);
  t.regex(refused.err, /The image of release v1 of books is no longer on this machine/);
  await say(t, "rollback");
  const [now] = await all(t);
  t.like(now, { status: "live", rollbackOf: warm?.n });
});
