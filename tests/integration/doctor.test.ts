import { setTimeout as sleep } from "node:timers/promises";
import type { ExecutionContext } from "ava";
import type { Finding } from "../../apps/findings.ts";
import type { Inspected } from "../../apps/inspect.ts";
import type { Sample, Usage } from "../../apps/series.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { ask } from "../support/asking.ts";
import { until } from "../support/platform.ts";
import { startSteadyLoad } from "../support/steady-load.ts";
import { createTeal } from "../support/teal-cli.ts";

const APP = "ill";
const HOST = `${APP}.localhost`;
const SECRET = "s3cr3t-of-the-app";

const test = testApp({ app: APP, fixture: "misbehaves", env: { TEAL_DRAIN: "1" } });

async function diagnose(t: ExecutionContext<AppWorld>) {
  const { teal } = createTeal(t.context.platform);
  const { code, out, err } = await teal(["doctor", "-a", APP, "--json"]);
  if (err !== "") throw new Error(err);
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  return { code, findings, text: findings.map((it) => `${it.level} ${it.about}: ${it.seen}`) };
}

test.serial("a healthy app has nothing wrong; what is staged is only worth knowing", async (t) => {
  t.timeout(60_000);
  const { teal } = createTeal(t.context.platform);
  const well = await teal(["doctor", APP]);
  t.is(well.code, 0, well.err);
  t.regex(well.out, /^All is well with ill\.\n/);
  t.regex(well.out, /memory of web\.1 +\d+ MiB of [\d.]+ [MG]iB \((< )?\d+ %\) +- +0 killed/);
  t.regex(well.out, /router +[\d.]+ requests\/s.* +0 in flight, \d+ waited/);
  t.is((await teal(["config:set", `TOKEN=${SECRET}`, "--no-restart", "-a", APP])).code, 0);
  const { code, text } = await diagnose(t);
  t.is(code, 0);
  t.deepEqual(text, ["note config: 1 name(s) staged and not live: TOKEN"]);
  t.is((await teal(["doctor", "nothing"])).code, 4);
});

test.serial(
  "an instance is shown with its limits and use, and no value of its config",
  async (t) => {
    t.timeout(90_000);
    const { teal } = createTeal(t.context.platform);
    const limited = ["limits:set", "web.memory=128M", "web.cpus=0.5", "web.pids=200", "-a", APP];
    const deployed = await teal(limited);
    t.is(deployed.code, 0);
    t.regex(deployed.out, /New config and limits, as release v2/, "with what was staged");
    const { out, code } = await teal(["ps:inspect", "web.1", "-a", APP, "--json"]);
    t.is(code, 0);
    t.false(out.includes(SECRET));
    const [live, standby] = JSON.parse(out) as Inspected[];
    t.like(live, { serves: "live", as: 2, process: "web", index: 1 });
    t.like(standby, { serves: "standby" });
    const { container, checks } = live as Inspected;
    t.like(container, { running: true, restarts: 0 });
    t.deepEqual(container?.limits, { memory: 128 * 1024 * 1024, cpus: 0.5, pids: 200 });
    t.true(container?.env.includes("TOKEN") && container.env.includes("TEAL_RELEASE"));
    t.deepEqual(container?.addresses, [live?.host]);
    const { memory = 0, pids = 0, periods = -1 } = container?.usage ?? {};
    t.true(memory > 5e6 && memory < 128 * 1024 * 1024, String(memory));
    t.true(pids >= 2 && periods >= 0);
    t.deepEqual(checks, [
      { type: "startup", what: "GET / on port 5000", healthy: true, says: "status 200" },
    ]);
    const shown = await teal(["ps:inspect", "-a", APP]);
    t.regex(shown.out, /memory +\d+ MiB of 128 MiB\n/);
    t.regex(shown.out, /environment .*TOKEN/);
    t.is((await teal(["ps:inspect", "web.9", "-a", APP])).code, 4);
    t.is((await teal(["ps:inspect", "web", "-a", APP])).code, 2);
  },
);

test.serial(
  "what an instance burns and holds is seen against its bounds: in the last hour's figures, by ps",
  async (t) => {
    t.timeout(90_000);
    const { platform } = t.context;
    const { teal } = createTeal(platform);
    await ask(platform.routerPort, HOST, "/burn?seconds=45");
    await ask(platform.routerPort, HOST, "/eat?mb=30");
    const seen = async () => {
      const { samples } = (await platform.api("GET", `/apps/${APP}/series`)).body;
      return (samples as Sample[]).flatMap(({ instances }) =>
        Object.values(instances).filter(({ colour }) => colour === "green"),
      );
    };
    await until(45_000, async () => (await seen()).some(({ cpu }) => cpu > 0.4));
    const burning = (await seen()).findLast(({ cpu }) => cpu > 0.4);
    t.like(burning, { name: "web.1", cpus: 0.5, limit: 128 * 1024 ** 2 });
    const { cpu = 0, throttled = 0, memory = 0 } = burning ?? {};
    t.true(cpu < 0.65, `half a core may be used, and ${cpu} was`);
    // On a busy machine it waits for the processor as others do, before it has used its share up.
    t.true(throttled > 0.1, `it has to wait, and not ${throttled} of the time`);
    t.true(memory > 40e6 && memory < 128 * 1024 ** 2, String(memory));
    const ps = await teal(["ps", "-a", APP]);
    t.regex(ps.out, /web\.1 +green +v2 +live +\d+% of 50% +\d+ MiB of 128 MiB/);
    const metrics = await teal(["metrics", "-a", APP]);
    t.regex(metrics.out, /\d\d:\d\d +green .* (4|5|6)\d% +\d+ MiB +(\d\d|100) %/);
  },
);

test.serial(
  "of two instances the one that fails is named, and its requests are told",
  async (t) => {
    t.timeout(90_000);
    const { platform } = t.context;
    const { teal } = createTeal(platform);
    t.is((await teal(["ps:scale", "web=2", "-a", APP])).code, 0);
    await ask(platform.routerPort, HOST, "/sicken");
    const load = startSteadyLoad(platform.routerPort, HOST, 2, 10);
    await until(60_000, async () => {
      const { text } = await diagnose(t);
      return text.some((one) => /^bad failed requests of web\.[12]: /.test(one));
    });
    await load.stop();
    const { findings } = await diagnose(t);
    const failed = findings.find(({ about }) => about.startsWith("failed requests of"));
    t.regex(
      failed?.seen ?? "",
      /^\d+ of \d+ \((9\d|100) %\) got .*; of the other instances 0 of \d+$/,
    );
    const sick = /web\.[12]/.exec(failed?.about ?? "")?.[0] ?? "";
    const well = sick === "web.1" ? "web.2" : "web.1";
    const shown = async (name: string) => {
      const { out } = await teal(["ps:inspect", name, "-a", APP, "--json"]);
      return (JSON.parse(out) as Inspected[]).find(({ serves }) => serves === "live")?.answers;
    };
    const [ill, fine] = [await shown(sick), await shown(well)];
    t.true((ill?.errors ?? 0) > 20);
    t.true((ill?.errors ?? 0) > 0.9 * (ill?.requests ?? 0), "all but what it answered when well");
    t.true((fine?.requests ?? 0) > 20);
    t.is(fine?.errors, 0);
    t.regex(
      (await teal(["ps:inspect", sick, "-a", APP])).out,
      /requests +\d+ in the last 5 minutes, [1-9]\d+ failed/,
    );
    const ps = (await platform.api("GET", `/apps/${APP}/ps`)).body;
    const used = (ps.instances as { usage?: Usage }[]).flatMap(({ usage }) => usage ?? []);
    const now = used.find(({ name, errors }) => name === sick && errors !== undefined);
    t.true((now?.requests ?? 0) > 0, JSON.stringify(used));
    t.is((await teal(["ps:scale", "web=1", "-a", APP])).code, 0);
  },
);

test.serial("memory near its limit, failing answers and a failed deploy are named", async (t) => {
  t.timeout(120_000);
  const { platform, repo } = t.context;
  const { teal } = createTeal(platform);
  t.is((await teal(["guard:off", "-a", APP])).code, 0);
  t.is((await repo.push({ "mood.txt": "failing\n" })).status, 0);
  t.not((await repo.push({ "app.json": "{" })).status, 0);
  const load = startSteadyLoad(platform.routerPort, HOST, 2, 20);
  let mb = 40;
  await ask(platform.routerPort, HOST, `/eat?mb=${mb}`);
  await until(60_000, async () => {
    const { text } = await diagnose(t);
    const share = Number(/ memory of web\.1: .*\((\d+) %\)/.exec(text.join("\n"))?.[1] ?? 0);
    // As much as this machine's Node needs by itself is not known.
    if (share === 0 && mb < 100) {
      mb += 10;
      await ask(platform.routerPort, HOST, "/eat?mb=10");
    }
    return share > 0 && text.some((one) => one.includes("failed requests"));
  });
  await load.stop();
  const { code, findings, text } = await diagnose(t);
  t.log(text);
  t.is(code, 1);
  const memory = findings.find((one) => one.about === "memory of web.1");
  t.regex(memory?.seen ?? "", /^1[012]\d MiB of 128 MiB \(\d\d %\)$/);
  t.is(memory?.todo, `teal limits:set web.memory=256M -a ${APP}`);
  const failed = findings.find((one) => one.about === "failed requests");
  t.is(failed?.level, "bad");
  t.regex(failed?.seen ?? "", /^\d+ of \d+ requests \([3-7]\d %\) in the last .+ got a 5xx/);
  const deploy = findings.find((one) => one.about === "the last deploy");
  t.regex(deploy?.seen ?? "", /^ill-\d+ \(push\) failed .+ ago: app\.json was not understood/);
  const human = await teal(["doctor", "-a", APP]);
  t.is(human.code, 1);
  t.regex(human.out, /✗ failed requests: \d+ of \d+.*\n {2}People see errors\..*\n {2}teal logs/);
});

test.serial("a crash loop is named, with how it ends", async (t) => {
  t.timeout(90_000);
  const { platform } = t.context;
  const { teal } = createTeal(platform);
  await until(60_000, async () => {
    for (let n = 0; n < 5; n++) {
      await ask(platform.routerPort, HOST, "/crash?status=7");
      await sleep(500);
    }
    return (await diagnose(t)).text.some((one) => one.includes("crash loop"));
  });
  const { findings } = await diagnose(t);
  const loop = findings.find((one) => one.about === "crash loop of web.1");
  t.is(loop?.level, "bad");
  t.regex(loop?.seen ?? "", /^\d+ in the last hour; the last: web\.1 ended with status 7$/);
  t.is(loop?.todo, `teal logs --ps web.1 -n 50 -a ${APP}`);
  platform.signal("worker-1", "SIGSTOP");
  const alone = await teal(["doctor", "-a", APP]);
  platform.signal("worker-1", "SIGCONT");
  t.is(alone.code, 1, alone.err);
  t.regex(alone.out, /0 workers answered; \d+ instance\(s\) on record were not looked at/);
});
