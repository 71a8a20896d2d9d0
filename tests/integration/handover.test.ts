import { execFileSync } from "node:child_process";
import type { ExecutionContext } from "ava";
import type { InstanceView } from "../../apps/views.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { until } from "../support/platform.ts";
import { createTeal } from "../support/teal-cli.ts";
import { startSteadyLoad } from "../support/steady-load.ts";

const APP = "lonely";

const test = testApp({ app: APP, fixture: "singleton", files: null, env: { TEAL_DRAIN: "2" } });

async function workers(t: ExecutionContext<AppWorld>): Promise<InstanceView[]> {
  const { instances } = (await t.context.platform.api("GET", `/apps/${APP}/ps`)).body;
  return instances.filter((it: InstanceView) => it.process === "worker");
}

/** Containers of `worker` that run now. */
function running(t: ExecutionContext<AppWorld>): string[] {
  const label = `label=teal.platform=${t.context.platform.namespace}`;
  const args = ["ps", "--filter", label, "--format", "{{.Names}}"];
  const names = execFileSync("docker", args).toString().split("\n");
  return names.filter((name) => name.includes("-worker-"));
}

function inspect(id: string | undefined) {
  return JSON.parse(execFileSync("docker", ["inspect", String(id)]).toString())[0];
}

async function appLog(t: ExecutionContext<AppWorld>): Promise<string> {
  return JSON.stringify((await t.context.platform.api("GET", `/apps/${APP}/logs?n=1000`)).body);
}

async function deployLog(t: ExecutionContext<AppWorld>, id: string): Promise<string> {
  return JSON.stringify((await t.context.platform.api("GET", `/deploys/${id}/log`)).body);
}

async function newest(t: ExecutionContext<AppWorld>) {
  return (await t.context.platform.api("GET", `/apps/${APP}/deploys?limit=1`)).body.deploys[0];
}

const load = (t: ExecutionContext<AppWorld>) =>
  startSteadyLoad(t.context.platform.routerPort, `${APP}.localhost`, 2, 10);

const json = (worker: object) => ({ "app.json": JSON.stringify({ formation: { worker } }) });

test.serial(
  "what drains ends its work behind the deploy; commands win over app.json",
  async (t) => {
    t.timeout(120_000);
    const { platform, repo } = t.context;
    await platform.api("POST", "/apps", { name: APP });
    await platform.api("POST", `/apps/${APP}/guard`, { off: true });
    await platform.api("POST", `/apps/${APP}/config`, { set: { STOP_MS: "12000" } });
    const told = { quantity: 1, handover: "drain", memory: "96M", pids: 100 };
    const limits = { runtime: { worker: { pids: 200 } } };
    await platform.api("POST", `/apps/${APP}/runtime`, limits);
    const first = await repo.push(json(told));
    t.is(first.status, 0, first.text);
    const [old] = await workers(t);
    const made = inspect(old?.id);
    t.is(made.Config.StopTimeout, 6 * 3600);
    t.like(made.HostConfig, { Memory: 96 << 20, PidsLimit: 200 });

    const second = await repo.push({}, "again");
    t.is(second.status, 0, second.text);
    t.true(inspect(old?.id).State.Running, "it has 12 s of work left, and the deploy has ended");
    t.is(running(t).length, 2);
    // Who told it to stop is gone, and another goes on.
    platform.signal("worker-1", "SIGKILL");
    await until(20_000, async () => !running(t).includes(old?.id ?? ""));
    await until(10_000, async () => (await appLog(t)).includes("finished"));
    t.like((await platform.api("GET", `/apps/${APP}/runtime`)).body.live.worker, {
      ...{ handover: "drain", memory: 96, pids: 200 },
    });
  },
);

test.serial("how long it may take is said by grace, up to a day, and holds", async (t) => {
  t.timeout(90_000);
  const { teal } = createTeal(t.context.platform);
  const grace = (value: string) => teal(["limits:set", `worker.grace=${value}`, "-a", APP]);
  t.is((await grace("86401")).code, 2);
  t.is((await grace("2")).code, 0);
  const [short] = (await workers(t)).filter(({ serves }) => serves === "live");
  t.is(inspect(short?.id).Config.StopTimeout, 2);
  const finished = async () => (await appLog(t)).split("finished").length;
  const before = await finished();
  t.is((await grace("86400")).code, 0);
  const began = performance.now();
  await until(9000, async () => !running(t).includes(short?.id ?? ""));
  t.log(`ended after ${Math.round(performance.now() - began)} ms, of the 12 s that it wanted`);
  const [long] = (await workers(t)).filter(({ serves }) => serves === "live");
  t.is(inspect(long?.id).Config.StopTimeout, 86_400);
  t.is(await finished(), before, "it did not get to its end");
  t.is((await grace("")).code, 0);
  t.true(inspect(long?.id).State.Running, "a day is more than that");
});

test.serial(
  "storage for one version at a time hands its process type over exclusively",
  async (t) => {
    t.timeout(120_000);
    const { platform, repo } = t.context;
    const { teal } = createTeal(platform);
    const add = (...more: string[]) => teal(["storage:add", "data:/data", "-a", APP, ...more]);
    const unsaid = await add();
    t.is(unsaid.code, 2);
    t.regex(unsaid.err, /'--overlap no'/);
    t.regex((await add("--overlap", "no", "--ps", "release")).err, /does not run on/);
    const gap = await teal(["ps:handover", "release=exclusive", "-a", APP]);
    t.is(gap.code, 2, gap.err);
    t.is((await teal(["ps:handover", "worker=never", "-a", APP])).code, 2);
    t.regex((await teal(["ps:handover", "-a", APP])).out, /worker +drain/);
    t.is((await teal(["config:set", "STOP_MS=1500", "--no-restart", "-a", APP])).code, 0);
    const added = await add("--overlap", "no", "--ps", "worker");
    t.is(added.code, 0, added.err);
    t.regex(added.out, /New config and storage, as release v\d/, "with what was staged");
    t.regex((await teal(["storage", "-a", APP])).out, /data +\/data +worker +no/);
    const [one] = await workers(t);
    t.like(inspect(one?.id).Mounts[0], { Destination: "/data" });
    const { instances } = (await platform.api("GET", `/apps/${APP}/ps`)).body;
    t.deepEqual(inspect(instances.find((it: InstanceView) => it.process === "web").id).Mounts, []);

    const traffic = load(t);
    const pushed = await repo.push({}, "exclusive");
    t.is(pushed.status, 0, pushed.text);
    t.regex(pushed.text, /Stopping worker\.1 first: handed over exclusively[^]*worker\.1 started/);
    t.deepEqual((await traffic.stop()).lost, []);
    t.is(running(t).length, 1);
    t.notRegex(await appLog(t), /two at once/);
  },
);

test.serial("when the new one is not healthy, the old one runs again", async (t) => {
  t.timeout(120_000);
  const { platform, repo } = t.context;
  const { live } = (await platform.api("GET", `/apps/${APP}`)).body;
  const [old] = await workers(t);
  const traffic = load(t);
  const pushed = await repo.push({ "mood.txt": "bad\n" });
  t.is(pushed.status, 1, pushed.text);
  t.regex(pushed.text, /its process ended with status 3[^]*|did not become healthy/);
  t.deepEqual((await traffic.stop()).lost, []);
  t.deepEqual((await platform.api("GET", `/apps/${APP}`)).body.live, live);
  await until(10_000, async () => running(t).length === 1);
  t.deepEqual(running(t), [old?.id]);
  t.regex(await deployLog(t, (await newest(t)).id), /Starting worker\.1 of v\d+ again/);
  t.notRegex(await appLog(t), /two at once/);
});

test.serial(
  "a cancelled one leaves the old one running, and a killed executor is taken over from",
  async (t) => {
    t.timeout(120_000);
    const { platform, repo } = t.context;
    const [old] = await workers(t);
    const stopping = async () =>
      (await deployLog(t, (await newest(t)).id)).includes("Stopping worker");
    const before = (await newest(t)).id;
    const cancelled = repo.push({ "mood.txt": "good\n" }, "to be cancelled");
    await until(30_000, async () => (await newest(t)).id !== before && (await stopping()));
    await platform.api("POST", `/deploys/${(await newest(t)).id}/cancel`, {});
    t.is((await cancelled).status, 1);
    await until(20_000, async () => running(t).length === 1 && running(t)[0] === old?.id);

    const last = (await newest(t)).id;
    const killed = repo.push({}, "to be killed");
    await until(30_000, async () => (await newest(t)).id !== last && (await stopping()));
    platform.signal("worker-1", "SIGKILL");
    t.is((await killed).status, 0);
    const deploy = await newest(t);
    t.is(deploy.attempts, 2);
    await until(20_000, async () => running(t).length === 1);
    const [now] = (await workers(t)).filter(({ id }) => running(t).includes(id));
    t.is(now?.release, deploy.release);
    t.notRegex(await appLog(t), /two at once/);
  },
);
