import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { type Platform, startPlatform, until } from "../support/platform.ts";
import { createRepo, type Repo } from "../support/repo.ts";
import { createTeal } from "../support/teal-cli.ts";

const APP = "ledger";

interface Context {
  platform: Platform;
  repo: Repo;
  teal: ReturnType<typeof createTeal>["teal"];
}
const test = anyTest as TestFn<Context>;

test.before(async (t) => {
  t.timeout(120_000);
  const platform = await startPlatform({ routers: 2 });
  const repo = createRepo("sqlite-ledger", platform, APP);
  t.context = { platform, repo, teal: createTeal(platform).teal };
  await repo.init();
});

test.after.always(async (t) => {
  t.context.repo?.remove();
  await t.context.platform?.stop();
});

interface Answer {
  status: number;
  body: string;
  ms: number;
}

function ask(t: ExecutionContext<Context>, agent: Agent, method: string, path: string, body = "") {
  const began = performance.now();
  const { routerPort: port } = t.context.platform;
  const headers = { host: `${APP}.localhost`, "content-length": String(body.length) };
  return new Promise<Answer>((done, fail) => {
    const sent = request({ host: "127.0.0.1", port, agent, method, path, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("error", fail);
      answer.on("end", () => {
        done({ status: answer.statusCode ?? 0, body: text, ms: performance.now() - began });
      });
    });
    sent.on("error", fail);
    sent.end(body);
  });
}

/** Readers and writers on keep-alive connections. Every entry has a name of its own. */
function startLedgerLoad(t: ExecutionContext<Context>) {
  const agent = new Agent({ keepAlive: true, maxSockets: 6 });
  const seen = { answered: 0, longestMs: 0, written: [] as string[], bad: [] as string[] };
  let ending = false;
  const client = async (writes: boolean) => {
    while (!ending) {
      const id = randomUUID();
      const method = writes ? "POST" : "GET";
      const answer = await ask(t, agent, method, "/", writes ? id : "").catch(String);
      if (typeof answer === "string" || answer.status !== 200) {
        seen.bad.push(typeof answer === "string" ? answer : `${answer.status} ${answer.body}`);
        continue;
      }
      seen.answered++;
      seen.longestMs = Math.max(seen.longestMs, answer.ms);
      if (writes) seen.written.push(id);
    }
  };
  const clients = Promise.all([true, true, false, false, false, false].map(client));
  return async () => {
    ending = true;
    await clients;
    const { body } = await ask(t, agent, "GET", "/entries");
    agent.destroy();
    const kept = new Map<string, number>();
    for (const id of JSON.parse(body) as string[]) kept.set(id, (kept.get(id) ?? 0) + 1);
    return { ...seen, wrong: seen.written.filter((id) => kept.get(id) !== 1) };
  };
}

function running(t: ExecutionContext<Context>): string[] {
  const label = `label=teal.platform=${t.context.platform.namespace}`;
  const args = ["ps", "--filter", label, "--format", "{{.Names}}"];
  return execFileSync("docker", args).toString().split("\n").filter(Boolean);
}

async function live(t: ExecutionContext<Context>) {
  return (await t.context.platform.api("GET", `/apps/${APP}`)).body.live;
}

async function appLog(t: ExecutionContext<Context>, more = ""): Promise<string> {
  const path = `/apps/${APP}/logs?n=5000${more}`;
  return JSON.stringify((await t.context.platform.api("GET", path)).body);
}

async function newest(t: ExecutionContext<Context>) {
  return (await t.context.platform.api("GET", `/apps/${APP}/deploys?limit=1`)).body.deploys[0];
}

test.serial("storage for one version at a time may be web's", async (t) => {
  t.timeout(120_000);
  const { platform, repo, teal } = t.context;
  await platform.api("POST", "/apps", { name: APP });
  await platform.api("POST", `/apps/${APP}/guard`, { off: true });
  const unsaid = await teal(["storage:add", "data:/data", "-a", APP]);
  t.is(unsaid.code, 2);
  t.regex(unsaid.err, /'--overlap no': its old instances stop before new ones start/);
  t.is((await teal(["storage:add", "data:/data", "--overlap", "no", "-a", APP])).code, 0);
  t.regex((await teal(["storage", "-a", APP])).out, /data +\/data +all +no/);
  const pushed = await repo.push();
  t.is(pushed.status, 0, pushed.text);
  const held = await repo.git("push", "-o", "hold", "deploy", "HEAD:refs/heads/main");
  t.is(held.status, 0, "there is nothing to push");
  await repo.commit("to be held");
  const refused = await repo.git("push", "-o", "hold", "deploy", "main");
  t.is(refused.status, 1);
  t.regex(refused.text, /hands web over exclusively/);
  t.is((await teal(["run", "-a", APP, "ls /data"])).code !== 0, true, "no command beside it");
});

test.serial("a push: requests wait for the new version, and none is lost", async (t) => {
  t.timeout(120_000);
  const { repo } = t.context;
  const stop = startLedgerLoad(t);
  const pushed = await repo.push({}, "good");
  t.is(pushed.status, 0, pushed.text);
  const seen = await stop();
  t.regex(pushed.text, /Stopping web\.1 first[^]*No web ran for [\d.]+ m?s; requests waited/);
  t.deepEqual([seen.bad, seen.wrong], [[], []]);
  t.true(seen.answered > 100);
  t.true(seen.longestMs < 15_000);
  t.log({
    longestMs: Math.round(seen.longestMs),
    said: /No web ran for .*/.exec(pushed.text)?.[0],
  });
  t.is(running(t).length, 1);
  const { standby } = (await t.context.platform.api("GET", `/apps/${APP}`)).body;
  t.is(standby, null, "nothing is warm: two would be two at once");
  t.notRegex(await appLog(t), /two at once/);
});

test.serial("a push that does not start: the old version answers again", async (t) => {
  t.timeout(120_000);
  const { repo } = t.context;
  const before = await live(t);
  const stop = startLedgerLoad(t);
  const pushed = await repo.push({ "mood.txt": "bad\n" }, "bad");
  t.is(pushed.status, 1, pushed.text);
  const seen = await stop();
  t.regex(pushed.text, /its process ended with status 3[^]*Starting web\.1 of v\d+ again/);
  t.regex(pushed.text, /answers again/);
  t.deepEqual([seen.bad, seen.wrong], [[], []]);
  t.log({ longestMs: Math.round(seen.longestMs) });
  t.deepEqual(await live(t), before);
  t.is(running(t).length, 1);
  t.notRegex(await appLog(t), /two at once/);
});

test.serial("a rollback goes the same way, and the ledger with it", async (t) => {
  t.timeout(120_000);
  const { teal } = t.context;
  const stop = startLedgerLoad(t);
  const back = await teal(["rollback", "v1", "-a", APP]);
  t.is(back.code, 0, back.err);
  const seen = await stop();
  t.deepEqual([seen.bad, seen.wrong], [[], []]);
  t.log({ longestMs: Math.round(seen.longestMs) });
  t.is(running(t).length, 1);
  t.notRegex(await appLog(t), /two at once/);
});

test.serial("a worker killed while no web runs: its successor ends the wait", async (t) => {
  t.timeout(120_000);
  const { platform, repo } = t.context;
  const stop = startLedgerLoad(t);
  writeFileSync(platform.faultFile, "web-rests");
  const pushed = await repo.push({ "mood.txt": "good\n" }, "killed midway");
  t.is(pushed.status, 0, pushed.text);
  const seen = await stop();
  const deploy = await newest(t);
  t.is(deploy.attempts, 2);
  t.deepEqual([seen.bad, seen.wrong], [[], []]);
  t.log({ longestMs: Math.round(seen.longestMs) });
  t.is((await live(t)).release, deploy.release);
  await until(10_000, async () => running(t).length === 1);
  t.notRegex(await appLog(t), /two at once/);
});

test.serial("stopped and started again: a new container, the same ledger and log", async (t) => {
  t.timeout(120_000);
  const { teal } = t.context;
  const agent = new Agent();
  const idOf = (name = "") => execFileSync("docker", ["inspect", "-f", "{{.Id}}", name]).toString();
  const [name] = running(t);
  const id = idOf(name);
  t.is((await teal(["ps:stop", "-a", APP])).code, 0);
  t.deepEqual(running(t), []);
  t.is((await ask(t, agent, "GET", "/")).status, 503);
  const starts = async () => ((await appLog(t, "&ps=web")).match(/listening/g) ?? []).length;
  const before = await starts();
  t.is((await teal(["ps:start", "-a", APP])).code, 0);
  t.deepEqual(running(t), [name]);
  t.not(idOf(name), id, "what was told to stop before cannot stop it");
  t.is((await ask(t, agent, "GET", "/entries")).status, 200);
  await until(10_000, async () => (await starts()) === before + 1);
  const { instances } = (await t.context.platform.api("GET", `/apps/${APP}/ps`)).body;
  t.is(instances.length, 1);
});

test.serial(
  "told to overlap it cannot: the new version fails, the old one notices nothing",
  async (t) => {
    t.timeout(120_000);
    const { repo, teal } = t.context;
    t.is((await teal(["storage:remove", "data", "--no-follow", "-a", APP])).code, 0);
    const added = await teal(["storage:add", "data:/data", "--overlap", "yes", "-a", APP]);
    t.is(added.code, 0, added.err);
    const before = await live(t);
    const stop = startLedgerLoad(t);
    const pushed = await repo.push({}, "two at once");
    t.is(pushed.status, 1, pushed.text);
    t.regex(pushed.text, /two at once: database is locked/);
    t.notRegex(pushed.text, /Stopping web/);
    const seen = await stop();
    t.deepEqual([seen.bad, seen.wrong], [[], []]);
    t.deepEqual(await live(t), before);
  },
);
