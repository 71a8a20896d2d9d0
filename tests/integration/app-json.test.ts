import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import type { LogLine } from "../../apps/deploy-log.ts";
import { ask } from "../support/asking.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { createTeal } from "../support/teal-cli.ts";

const APP = "scripted";

const HOST = `${APP}.localhost`;

const test = testApp({ app: APP, fixture: "shows-config", files: null });

const say = (scripts: object, more = {}) => ({
  "app.json": JSON.stringify({ scripts, ...more }),
});

/** The release that answers. */
const tell = async ({ context: { platform } }: ExecutionContext<AppWorld>): Promise<string> =>
  JSON.parse(await ask(platform.routerPort, HOST)).release;

/** True when each of `parts` is in the text, one after the other. */
function inOrder(text: string, parts: string[]): boolean {
  let at = 0;
  return parts.every((part) => (at = text.indexOf(part, at) + 1) > 0);
}

test.serial("before the release command and after the swap, a first time once", async (t) => {
  t.timeout(120_000);
  const { repo, platform } = t.context;
  const scripts = {
    dokku: { predeploy: "echo before-$TEAL_RELEASE", postdeploy: "echo after-it; exit 4" },
    postdeploy: "echo seeds-it",
  };
  const env = { PLAIN: "as 'it' is", KEY: { generator: "secret" } };
  const first = await repo.push(say(scripts, { env, formation: { worker: { quantity: 2 } } }));
  t.is(first.status, 0, first.text);
  const order = ["before-v1 ", "migrating", "Swapped to", "   seeds-it", "   after-it", "Live at"];
  t.true(inOrder(first.text, order), first.text);
  t.regex(first.text, /The postdeploy command ended with status 4\. The new release is live/);
  t.is(await tell(t), "v1");
  const { body } = await platform.api("GET", `/deploys/${APP}-1`);
  t.is(body.state, "live");
  t.true(body.steps["postdeploy-first"].ms >= 0);
  t.deepEqual(body.steps.postdeploy, { failed: "The postdeploy command ended with status 4." });
  const { teal } = createTeal(platform);
  const log = await teal(["logs", "-a", APP, "--deploy", `${APP}-1`]);
  t.regex(log.out, /The postdeploy command ended with status 4\. The new release is live/);
  const second = await repo.push({}, "again");
  t.is(second.status, 0, second.text);
  t.true(inOrder(second.text, ["before-v2 ", "migrating", "Swapped to", "   after-it"]));
  t.false(second.text.includes("   seeds-it"));
});

test.serial("formation and env hold from the first deploy on; what people say wins", async (t) => {
  t.timeout(120_000);
  const { repo, platform } = t.context;
  const { teal } = createTeal(platform);
  const value = (name: string) => ask(platform.routerPort, HOST, `/value?name=${name}`);
  const workers = async () =>
    (await platform.live(APP)).filter(({ process }) => process === "worker").length;
  t.is(await workers(), 2);
  t.is(await value("PLAIN"), "as 'it' is");
  const key = await value("KEY");
  t.regex(key, /^[0-9a-f]{64}$/);
  t.is((await teal(["ps:scale", "worker=1", "-a", APP])).code, 0);
  t.is(await workers(), 1);
  t.is((await teal(["config:set", "PLAIN=mine", "-a", APP])).code, 0);
  const env = {
    PLAIN: "other",
    KEY: { generator: "secret" },
    TOKEN: { description: "of the till" },
  };
  const more = { env, formation: { worker: { quantity: 3 } } };
  const refused = await repo.push(say({}, more));
  t.is(refused.status, 1);
  t.regex(refused.text, /requires config that scripted does not have: TOKEN \(of the till\)/);
  t.is((await teal(["config:set", "TOKEN=7", "-a", APP])).code, 0);
  const pushed = await repo.push(say({}, more));
  t.is(pushed.status, 0, pushed.text);
  t.is(await workers(), 1);
  t.deepEqual([await value("PLAIN"), await value("KEY"), await value("TOKEN")], ["mine", key, "7"]);
});

test.serial("predeploy is a gate, and what takes too long is ended", async (t) => {
  t.timeout(120_000);
  const { repo, platform } = t.context;
  const live = async () => (await platform.api("GET", `/apps/${APP}`)).body.live;
  const failed = await repo.push(say({ dokku: { predeploy: "echo no; exit 5" } }));
  t.is(failed.status, 1);
  t.regex(failed.text, /The predeploy command ended with status 5/);
  t.false(failed.text.includes("migrating"));

  const web = await platform.api("POST", `/apps/${APP}/runtime`, { runtime: { web: { time: 8 } } });
  t.is(web.status, 400, "only of release");
  const limited = { runtime: { release: { time: 8 } } };
  const { id } = (await platform.api("POST", `/apps/${APP}/runtime`, limited)).body.deploy;
  t.is((await platform.ended(id)).state, "live");
  const before = await live();
  const { teal } = createTeal(platform);
  const limits = await teal(["limits", "-a", APP]);
  t.regex(limits.out, /^release +.*\b8 s/m);
  const procfile = readFileSync(join(repo.dir, "Procfile"), "utf8");
  const long = procfile.replace(/^release: .*$/m, "release: echo begun; sleep 300");
  const late = await repo.push({ ...say({}), Procfile: long });
  t.is(late.status, 1);
  t.regex(late.text, /begun *\r?\n[^]*The release command did not end within 8 s/);
  t.deepEqual(await live(), before);
  const [deploy] = (await platform.api("GET", `/apps/${APP}/deploys?limit=1`)).body.deploys;
  t.like(deploy, { state: "failed" });
  t.regex(deploy.error, /The release command did not end within 8 s/);
  const { lines } = (await platform.api("GET", `/deploys/${deploy.id}/log`)).body;
  t.true(
    lines.some((it: LogLine) => it.kind === "output" && it.text === "begun"),
    "its log is kept",
  );
  const left = execFileSync("docker", ["ps", "-a", "--format", "{{.Names}}"]).toString();
  t.notRegex(left, new RegExp(`${platform.namespace}.*-release$`, "m"), "it is ended, and gone");
  writeFileSync(join(repo.dir, "Procfile"), procfile);
});

test.serial(
  "checks run inside the container, of any process type, and all must pass",
  async (t) => {
    t.timeout(120_000);
    const { repo, platform } = t.context;
    const once = { attempts: 1, wait: 4, timeout: 4 };
    const soon = { attempts: 1, wait: 2, timeout: 2 };
    const within = (code: string) => ({ command: ["node", "-e", code], ...soon });
    const fail = 'console.log("not yet", process.env.TEAL_PROCESS); process.exit(9)';
    const good = {
      web: [
        { path: "/", httpHeaders: [{ name: "X-Probe", value: "1" }], ...once },
        { listening: true, ...once },
        within("process.exit(0)"),
        { ...within(fail), warn: true },
        { command: ["sh", "-c", "sleep 4321; true"], attempts: 1, wait: 1, timeout: 1, warn: true },
      ],
      worker: [{ uptime: 2, ...once }],
    };
    const pushed = await repo.push({ "app.json": JSON.stringify({ healthchecks: good }) });
    t.is(pushed.status, 0, pushed.text);
    t.regex(pushed.text, /failed, which only warns: status 9 of its command: not yet web/);
    t.regex(pushed.text, /Checking worker\.1: up for 2 s/);
    t.regex(pushed.text, /failed, which only warns: no end within \d+ ms/);
    const [web] = (await platform.live(APP)).filter((it) => it.process === "web");
    const inside = execFileSync("docker", ["top", String(web?.id), "-eo", "pid,args"]).toString();
    t.regex(inside, /node/);
    t.notRegex(inside, /sleep 4321/, "a check that hangs is ended");
    const bad = { worker: [within(fail)] };
    const refused = await repo.push({ "app.json": JSON.stringify({ healthchecks: bad }) });
    t.is(refused.status, 1);
    t.regex(refused.text, /worker\.1 did not become healthy within 4 s: status 9 of its command/);
  },
);

test.serial("a release is marked by its push or its app.json; rollback past it asks", async (t) => {
  t.timeout(120_000);
  const { repo, platform } = t.context;
  const { teal } = createTeal(platform);
  // One process type will do here.
  const fewer = { formation: { worker: 0 } };
  const { deploy } = (await platform.api("POST", `/apps/${APP}/formation`, fewer)).body;
  t.is((await platform.ended(deploy.id)).state, "live");
  const plain = await repo.push({ "app.json": "{}" });
  t.is(plain.status, 0, plain.text);
  const says = { teal: { irreversible: true } };
  const own = await repo.push({ "app.json": JSON.stringify(says) });
  t.regex(own.text, /Release v\d+, commit \w+, irreversible: a rollback past it has to be forced/);
  t.false(own.text.includes("not known here"), own.text);
  const refused = await teal(["rollback", "-a", APP]);
  t.is(refused.code, 5, refused.err);
  t.regex(refused.err, /is marked as irreversible[^]*--force/);
  t.is((await teal(["domains:add", "scripted.example", "-a", APP])).code, 0);
  t.is((await repo.push({ "app.json": "{}" })).status, 0);
  await repo.commit("by its push");
  const pushed = await repo.git("push", "-o", "irreversible", "deploy", "main");
  t.is(pushed.status, 0, pushed.text);
  const list = await teal(["releases", "-a", APP]);
  t.deepEqual(
    list.out
      .split("\n")
      .slice(1, 5)
      .map((line) => /push, irreversible/.test(line)),
    [true, false, true, false],
  );
  t.is((await teal(["rollback", "-a", APP])).code, 5);
  const newest = Number(/^v(\d+)/m.exec(list.out)?.[1]);
  const unmark = ["releases:irreversible", `v${newest}`, "--off", "-a", APP];
  t.is((await teal(unmark)).code, 0);
  const back = await teal(["rollback", "-a", APP]);
  t.is(back.code, 0, back.err);
  t.is((await teal(["rollback", `v${newest - 3}`, "-a", APP])).code, 5);
  const forced = await teal(["rollback", `v${newest - 3}`, "--force", "-a", APP]);
  t.is(forced.code, 0, forced.err);
  const info = await teal(["releases:info", `v${newest}`, "-a", APP]);
  t.regex(info.out, /domains +scripted\.example\n/);
  const diff = await teal(["releases:diff", `v${newest - 3}`, `v${newest}`, "-a", APP]);
  t.regex(diff.out, /domains +\+scripted\.example\n/);
  t.regex((await teal(["domains", "-a", APP])).out, /scripted\.example/, "a rollback leaves them");
});
