import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import type { Finding } from "../../apps/findings.ts";
import { ask } from "../support/asking.ts";
import { createIssuer } from "../support/certificates.ts";
import { until } from "../support/platform.ts";
import { startSteadyLoad } from "../support/steady-load.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { createTeal } from "../support/teal-cli.ts";

const APP = "ails";
const HOST = `${APP}.localhost`;
const DAY_MS = 86_400_000;

const test = testApp({
  ...{ app: APP, fixture: "misbehaves", routers: 2, env: { TEAL_DRAIN: "1" } },
});

type T = ExecutionContext<AppWorld>;

/** A command about the app. @throws Error with what it said when it did not end well */
async function say({ context: { platform } }: T, ...words: string[]): Promise<string> {
  const { code, out, err } = await createTeal(platform).teal([...words, "-a", APP]);
  if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${out}${err}`);
  return out;
}

async function findings({ context: { platform } }: T): Promise<Finding[]> {
  const { out } = await createTeal(platform).teal(["doctor", "-a", APP, "--json"]);
  return JSON.parse(out).findings;
}

const inWords = ({ level, about, seen }: Finding) => `${level} ${about}: ${seen}`;

/** Waits until the doctor says each of these, and gives all that it says then. */
async function untilSaid(t: T, wanted: RegExp[], meanwhile = async () => {}): Promise<string[]> {
  let all: string[] = [];
  const missing = () => wanted.filter((one) => !all.some((said) => one.test(said)));
  await until(40_000, async () => {
    await meanwhile();
    all = (await findings(t)).map(inWords);
    return missing().length === 0;
  }).catch(() => undefined);
  t.deepEqual(missing().map(String), [], all.join("\n"));
  return all;
}

const docker = (...args: string[]) => execFileSync("docker", args, { stdio: "pipe" }).toString();

/** A live instance of `web`. */
async function web({ context: { platform } }: T, index: number) {
  const { id = "", host = "" } =
    (await platform.live(APP)).find((one) => one.process === "web" && one.index === index) ?? {};
  return { id, tell: (path: string) => fetch(`http://${host}:5000${path}`) };
}

test.serial("what people asked for, and what has not come of it", async (t) => {
  t.timeout(150_000);
  const { platform, repo } = t.context;
  const [{ image }] = JSON.parse(await say(t, "releases", "--json"));
  await say(t, "domains:add", "www.ails.test");
  await repo.goLive({ "mood.txt": "calm\n" });
  await say(t, "storage:add", "data:/data", "--overlap", "yes");
  await repo.goLive({ "mood.txt": "calmer\n" });
  const ends = { notAfter: new Date(Date.now() + 5.5 * DAY_MS) };
  const pair = await (await createIssuer()).issue([HOST], ends);
  for (const [name, pem] of Object.entries(pair)) writeFileSync(join(platform.home, name), pem);
  await say(t, "certs:add", join(platform.home, "cert"), join(platform.home, "key"));
  await say(t, "maintenance:on");
  await repo.commit("held");
  t.is((await repo.git("push", "-o", "hold", "deploy", "main")).status, 0);
  await until(20_000, async () => {
    docker("rmi", "-f", image);
    return true;
  });
  await createTeal(platform).teal(["gc"]);
  // Its deploy is cancelled before anybody begins it.
  platform.signal("worker-1", "SIGSTOP");
  await say(t, "domains:add", "late.ails.test", "--no-follow");
  await say(t, "deploys:cancel");
  platform.signal("worker-1", "SIGCONT");
  const all = await untilSaid(t, [
    /^note the app: maintenance is on: every request is answered with 503$/,
    /^note storage data: written by instances of \d releases at once: v\d, v\d/,
    /^bad certificate \w+: 5 days left: ails\.localhost$/,
    /^warn domain late\.ails\.test: added, and not routed, as 1 of 2 domains are$/,
    /^note images: 1 release\(s\) without one: v1$/,
    /^note a new version that is held: v\d in (green|blue) for \d+ m?s/,
  ]);
  t.log(all);
  await say(t, "maintenance:off");
  await say(t, "domains:remove", "late.ails.test");
  await say(t, "abort");
});

test.serial("what its instances take, and how they are", async (t) => {
  t.timeout(150_000);
  const { platform } = t.context;
  await say(t, "limits:set", "web.cpus=0.2", "web.pids=24");
  await say(t, "ps:scale", "web=2");
  const { start } = createTeal(platform);
  // As many as may be: the shell ends at the one that may not.
  const many = "for i in $(seq 40); do sleep 90 & done; wait";
  const inside = start("enter", "-a", APP, "web.1", many);
  t.teardown(() => inside.kill());
  await (await web(t, 1)).tell("/burn?seconds=60");
  const { id: two, tell } = await web(t, 2);
  await untilSaid(t, [
    /^warn processor of web\.1: 0\.[12]\d of 0\.2 processors busy \(\d+ %\); throttled in \d+ of \d+ periods$/,
    /^(warn|bad) processes of web\.1: 2[1-4] of 24 processes and threads$/,
  ]);
  t.regex(await say(t, "ps:inspect", "web.1"), /processes +2[1-4] of 24/);
  docker("pause", two);
  await untilSaid(t, [/^bad startup check of web\.2: GET \/ on port 5000: .*no answer/i]);
  docker("unpause", two);
  await tell("/crash?status=7").catch(() => {});
  await untilSaid(t, [
    /^warn crashes of web\.2: 1 in the last hour; the last: web\.2 ended with status 7$/,
  ]);
});

test.serial("what routers see of it, and of themselves", async (t) => {
  t.timeout(150_000);
  const { platform } = t.context;
  const load = startSteadyLoad(platform.routerPort, HOST, 2, 20);
  t.teardown(() => load.stop());
  const { id: two, tell } = await web(t, 2);
  await tell("/sicken");
  await untilSaid(t, [
    /^bad failed requests: \d+ of \d+ requests \(\d\d %\) in the last .* got a 5xx or no answer$/,
    /^bad failed requests of web\.2: \d+ of \d+ \(\d+ %\) got a 5xx or no answer; of the other instances \d+ of \d+$/,
  ]);
  platform.signal("router-2", "SIGSTOP");
  await untilSaid(t, [/^warn routers that do not answer: 1 of 2 on this machine$/]);
  platform.signal("router-2", "SIGCONT");
  const { id: one } = await web(t, 1);
  await untilSaid(
    t,
    [/^(warn|bad) slow answers: 1 of 100 begins after \d{4} ms or more, half after \d+ ms$/],
    async () => {
      docker("pause", one, two);
      const waiting = Array.from({ length: 30 }, () => ask(platform.routerPort, HOST));
      await sleep(3500);
      docker("unpause", one, two);
      await Promise.all(waiting);
    },
  );
  // Stopped by hand, again and again: it is started by the platform.
  await untilSaid(
    t,
    [
      /^bad web\.2: not running: it ended with status \d+, .* after its last start$/,
      /^warn instances that took no connection: web\.2: 1 of 2; passed over \d+ times/,
    ],
    async () => void docker("stop", "-t", "1", two),
  );
});
