import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { Redis } from "ioredis";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { containersOf } from "../support/docker-remains.ts";
import { until } from "../support/platform.ts";
import { startSteadyLoad } from "../support/steady-load.ts";

const APP = "life";
const SECRET = "postgres://ann:s3cr3t-pass@db/shop";

const test = testApp({ app: APP, fixture: "shows-config", routers: 2, env: { TEAL_DRAIN: "2" } });

/** Asks the API for a change and waits until its deploy has ended. */
async function change(t: ExecutionContext<AppWorld>, path: string, body: object = {}) {
  const { platform } = t.context;
  const asked = await platform.api("POST", `/apps/${APP}/${path}`, body);
  t.is(asked.status, 202, JSON.stringify(asked.body));
  return platform.ended(asked.body.deploy.id);
}

function answer(t: ExecutionContext<AppWorld>, path: string, host = `${APP}.localhost`) {
  const { routerPort: port } = t.context.platform;
  return new Promise<{ status: number; body: string }>((done, fail) => {
    const sent = request({ host: "127.0.0.1", port, path, headers: { host } }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => done({ status: response.statusCode ?? 0, body }));
    });
    sent.on("error", fail);
    sent.end();
  });
}

const value = async (t: ExecutionContext<AppWorld>, name: string) =>
  (await answer(t, `/value?name=${name}`)).body;

async function live(t: ExecutionContext<AppWorld>) {
  const { body } = await t.context.platform.api("GET", `/apps/${APP}`);
  return body.live as { release: number; colour: string };
}

test.serial(
  "a config change makes a release that is swapped to, without a lost request",
  async (t) => {
    t.timeout(90_000);
    const { platform } = t.context;
    const before = await live(t);
    const load = startSteadyLoad(platform.routerPort, `${APP}.localhost`);
    const set = { DATABASE_URL: SECRET, LINES: "one\ntwo 'three'\n", EMPTY: "" };
    const deploy = await change(t, "config", { set });
    const { answered, lost } = await load.stop();
    t.is(deploy.state, "live", deploy.error);
    t.deepEqual(lost, []);
    t.true(answered > 20);
    const after = await live(t);
    t.is(after.release, before.release + 1);
    t.not(after.colour, before.colour);
    for (const [name, wanted] of Object.entries(set)) t.is(await value(t, name), wanted);
    t.is(await value(t, "PORT"), "5000");
  },
);

test.serial(
  "values are in the container alone: not in logs, images, the queue, the store or answers",
  async (t) => {
    const { platform } = t.context;
    const { body } = await platform.api("GET", `/apps/${APP}/deploys`);
    const [config] = body.deploys as { id: string }[];
    const log = JSON.stringify((await platform.api("GET", `/deploys/${config?.id}/log`)).body);
    t.regex(log, /migrating \*{8}/);
    t.regex(log, /half hidden \*{8}/, "a colour within a secret does not save it from the mask");
    const release = await platform.api("GET", `/apps/${APP}/releases/2`);
    t.deepEqual(release.body.config, ["DATABASE_URL", "EMPTY", "LINES"]);
    const inspected = execFileSync("docker", ["image", "inspect", release.body.image as string]);
    const redis = new Redis(join(platform.home, "redis.sock"));
    const stored: string[] = [];
    for (const key of await redis.keys("*")) {
      const kind = await redis.type(key);
      if (kind === "hash") stored.push(JSON.stringify(await redis.hgetall(key)));
      if (kind === "stream") stored.push(JSON.stringify(await redis.xrange(key, "-", "+")));
      if (kind === "string") stored.push((await redis.get(key)) ?? "");
      if (kind === "list") stored.push(JSON.stringify(await redis.lrange(key, 0, -1)));
    }
    redis.disconnect();
    const answers = [release, body, await platform.api("GET", `/apps/${APP}/config`)];
    const everywhere = [log, inspected.toString(), platform.platformLog(), ...stored];
    t.false([...everywhere, JSON.stringify(answers)].join("\n").includes("s3cr3t-pass"));
    const revealed = await platform.api("GET", `/apps/${APP}/config?reveal=1`);
    t.true(JSON.stringify(revealed.body).includes(SECRET));
  },
);

test.serial("a release command that fails with the new config changes nothing", async (t) => {
  t.timeout(60_000);
  const before = await live(t);
  const deploy = await change(t, "config", { set: { FAIL_RELEASE: "yes" } });
  t.is(deploy.state, "failed");
  t.regex(deploy.error ?? "", /release command ended with status 3/);
  t.deepEqual(await live(t), before);
  const { platform } = t.context;
  const { body } = await platform.api("GET", `/apps/${APP}/config`);
  t.deepEqual(
    body.config
      .filter((one: { staged: boolean }) => one.staged)
      .map((one: { name: string }) => one.name),
    ["FAIL_RELEASE"],
    "it is still asked for, and shown as not live",
  );
  const undone = await change(t, "config", { unset: ["FAIL_RELEASE"], set: { GREETING: "hi" } });
  t.is(undone.state, "live", undone.error);
});

test.serial("a rollback restores the config of its release, from the warm colour", async (t) => {
  t.timeout(60_000);
  t.is(await value(t, "GREETING"), "hi");
  const back = await change(t, "rollback", { runRelease: true });
  t.is(back.state, "live", back.error);
  const { body } = await t.context.platform.api("GET", `/deploys/${back.id}/log`);
  t.regex(JSON.stringify(body), /Running the release command/, "where it was asked for");
  t.is(await value(t, "GREETING"), "(unset)");
  t.is(await value(t, "DATABASE_URL"), SECRET);
});

test.serial("web scales up and down without a release and without a lost request", async (t) => {
  t.timeout(120_000);
  const { platform } = t.context;
  const before = await live(t);
  const load = startSteadyLoad(platform.routerPort, `${APP}.localhost`);
  const up = await change(t, "formation", { formation: { web: 3, worker: 2 } });
  t.is(up.state, "live", up.error);
  const hosts = new Set<string>();
  await until(20_000, async () => {
    hosts.add(JSON.parse((await answer(t, "/")).body).host);
    return hosts.size === 3;
  });
  const serving = await platform.live(APP);
  t.is(serving.filter(({ process }) => process === "web").length, 3);
  const down = await change(t, "formation", { formation: { web: 1, worker: 0 } });
  t.is(down.state, "live", down.error);
  // What is left: one live web, the standby's.
  await until(30_000, async () => (await containersOf(platform.namespace)).length === 2);
  const { answered, lost } = await load.stop();
  t.deepEqual(lost, []);
  t.true(answered > 50);
  t.deepEqual(await live(t), before);
});

test.serial("a restart goes through the idle colour without a gap", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  const host = JSON.parse((await answer(t, "/")).body).host;
  const load = startSteadyLoad(platform.routerPort, `${APP}.localhost`);
  const deploy = await change(t, "restart");
  const { lost } = await load.stop();
  t.is(deploy.state, "live", deploy.error);
  t.deepEqual(lost, []);
  t.not(JSON.parse((await answer(t, "/")).body).host, host);
});

test.serial(
  "a push is held in the idle colour until it is promoted; one that is aborted never goes live",
  async (t) => {
    t.timeout(120_000);
    const { platform, repo } = t.context;
    const code = async () => JSON.parse((await answer(t, "/")).body).code;
    await platform.api("POST", `/apps/${APP}/hold`, { hold: true });
    const server = execFileSync("cat", [join(repo.dir, "server.js")], { encoding: "utf8" });
    const pushed = await repo.push({ "server.js": server.replace('"one"', '"two"') });
    t.is(pushed.status, 0, pushed.text);
    t.regex(pushed.text, /teal promote -a life/);
    t.regex(pushed.text, /It answers at http:\/\/idle--life\.localhost:\d+\//);
    const idle = async () => {
      const { status, body } = await answer(t, "/", `idle--${APP}.localhost`);
      return status === 200 ? JSON.parse(body).code : status;
    };
    t.is(await code(), "one");
    t.is(await idle(), "two");
    const promoted = await change(t, "promote");
    t.is(promoted.state, "live", promoted.error);
    t.is(await code(), "two");
    t.is(await idle(), "one", "what stands by");
    const again = await repo.push({ "server.js": server.replace('"one"', '"three"') });
    t.is(again.status, 0, again.text);
    t.is(await idle(), "three");
    t.is((await platform.api("POST", `/apps/${APP}/abort`, {})).status, 204);
    t.is(await idle(), "one");
    t.is((await platform.api("POST", `/apps/${APP}/promote`, {})).body.title, "nothing-held");
    t.is(await code(), "two");
    await platform.api("POST", `/apps/${APP}/hold`, { hold: false });
    await repo.commit("once more");
    const once = await repo.git("push", "-o", "hold", "deploy", "main");
    t.regex(once.text, /teal promote -a life/);
    t.is(await code(), "two");
    await repo.commit("by itself");
    const wrong = await repo.git("push", "-o", "promote-after=soon", "deploy", "main");
    t.regex(wrong.text, /a time such as 90s, 10m or 2h/);
    const timed = await repo.git("push", "-o", "promote-after=2s", "deploy", "main");
    t.regex(timed.text, /promoted by itself/);
    await until(30_000, async () => (await code()) === "three");
  },
);

test.serial("a domain answers when it is added and no more when it is removed", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  const before = await live(t);
  t.is((await answer(t, "/", "shop.example")).status, 404);
  const added = await change(t, "domains", { host: "Shop.Example." });
  t.is(added.state, "live", added.error);
  t.is((await answer(t, "/", "shop.example")).status, 200);
  const removed = await platform.api("DELETE", `/apps/${APP}/domains/shop.example`);
  t.is((await platform.ended(removed.body.deploy.id)).state, "live");
  t.is((await answer(t, "/", "shop.example")).status, 404);
  t.deepEqual(await live(t), before);
});

test.serial(
  "maintenance closes the app on every router, deploys go on behind it, and each request has its line",
  async (t) => {
    t.timeout(120_000);
    const { platform, repo } = t.context;
    const before = await live(t);
    const closed = await change(t, "maintenance", { on: true, page: "<h1>Soon</h1>" });
    t.is(closed.state, "live", closed.error);
    // Enough connections for both routers.
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => answer(t, "/?token=s3cr3t")),
    );
    t.deepEqual([...new Set(answers.map(({ status }) => status))], [503]);
    await repo.commit("behind the curtain");
    const pushed = await repo.push();
    t.is(pushed.status, 0, pushed.text);
    t.true((await live(t)).release > before.release);
    t.is((await answer(t, "/")).status, 503);
    t.is((await change(t, "maintenance", { on: false })).state, "live");
    t.is((await answer(t, "/")).status, 200);
    const dir = join(platform.home, "logs", "apps", APP);
    const lines = async () => {
      const files = readdirSync(dir).filter((name) => name.startsWith("router-"));
      return files.flatMap((name) => readFileSync(join(dir, name), "utf8").split("\n"));
    };
    await until(
      5000,
      async () => (await lines()).filter((line) => / 503 /.test(line)).length >= 21,
    );
    t.false((await lines()).join().includes("s3cr3t"));
  },
);

test.serial(
  "app.json says how many run, when they are healthy and what config they need",
  async (t) => {
    t.timeout(120_000);
    const { repo } = t.context;
    const app = {
      healthchecks: {
        web: [
          { path: "/value?name=KEY", content: "no such key", attempts: 1, wait: 1, timeout: 1 },
        ],
      },
      formation: { worker: { quantity: 2 } },
      env: { KEY: { generator: "secret" }, NEEDED: { description: "of the shop" } },
      unknown: 1,
    };
    const missing = await repo.push({ "app.json": JSON.stringify(app) });
    t.is(missing.status, 1);
    t.regex(missing.text, /unknown is not known here/);
    t.regex(missing.text, /requires config that life does not have: NEEDED \(of the shop\)/);
    await change(t, "config", { set: { NEEDED: "yes" } });
    const unhealthy = await repo.push();
    t.is(unhealthy.status, 1);
    t.regex(unhealthy.text, /did not become healthy within 2 s: status 200, without "no such key"/);
    app.healthchecks.web = [
      { path: "/value?name=NEEDED", content: "yes", attempts: 1, wait: 9, timeout: 1 },
    ];
    const pushed = await repo.push({ "app.json": JSON.stringify(app) });
    t.is(pushed.status, 0, pushed.text);
    const key = await value(t, "KEY");
    t.regex(key, /^[0-9a-f]{64}$/);
    t.is((await change(t, "config", { set: { MORE: "1" } })).state, "live");
    t.is(await value(t, "KEY"), key, "made once");
  },
);
