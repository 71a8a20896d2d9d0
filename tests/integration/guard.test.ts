import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import { setTimeout as sleep } from "node:timers/promises";
import type { Finding } from "../../apps/findings.ts";
import { createDocker } from "../../workers/engine/client.ts";
import { type Exit, followExits } from "../../workers/engine/exits.ts";
import { labelsOf } from "../../workers/engine/labels.ts";
import { type ContainerEvent, createWatch } from "../../workers/engine/watch.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { ask } from "../support/asking.ts";
import { until } from "../support/platform.ts";
import { startSteadyLoad } from "../support/steady-load.ts";

const APP = "moody";

const test = testApp({
  app: APP,
  fixture: "misbehaves",
  routers: 2,
  workers: 2,
  env: { TEAL_DRAIN: "2" },
});

type Load = Awaited<ReturnType<ReturnType<typeof startSteadyLoad>["stop"]>>;

interface Watch {
  state: string;
  deploy: string;
  before: { answers: number; errors: number };
  why?: string;
}

async function watchOf(t: ExecutionContext<AppWorld>): Promise<Watch | null> {
  return (await t.context.platform.api("GET", `/apps/${APP}/guard`)).body.watch;
}

async function push(t: ExecutionContext<AppWorld>, mood: string) {
  const pushed = await t.context.repo.push({ "mood.txt": `${mood}\n` }, mood);
  t.is(pushed.status, 0, pushed.text);
  return pushed.text;
}

async function liveRelease(t: ExecutionContext<AppWorld>): Promise<number> {
  return (await t.context.platform.api("GET", `/apps/${APP}`)).body.live.release;
}

const tell = (t: ExecutionContext<AppWorld>, path: string) =>
  ask(t.context.platform.routerPort, `${APP}.localhost`, path);

const load = (t: ExecutionContext<AppWorld>) =>
  startSteadyLoad(t.context.platform.routerPort, `${APP}.localhost`, 2, 20);

/**
 * Of an instance that ends while it is asked, and has no other beside it: whoever gets no answer of
 * the app is told so by the router, in a whole answer. None hangs, and none is cut off.
 */
function onlyBroke(t: ExecutionContext<AppWorld>, { answered, lost, bodies }: Load): void {
  t.true(answered > 0);
  t.deepEqual(
    [...new Set(lost)].filter((how) => !/^status 50[23], complete true$/.test(how)),
    [],
  );
  const own = [...bodies].filter((body) => body === "good" || body === "crashing");
  t.true(own.length > 0);
}

test.serial(
  "a release whose answers fail is swapped back, and the good one lost nothing",
  async (t) => {
    t.timeout(120_000);
    const { platform } = t.context;
    const good = await liveRelease(t);
    const traffic = load(t);
    await sleep(4000);
    const text = await push(t, "failing");
    t.regex(text, /On guard for 30 s: should v\d+ do worse, v\d+ is swapped back to/);
    const began = performance.now();
    // The worker that watches dies in the middle of the window; the other one goes on.
    await sleep(1500);
    for (const name of ["worker-1", "worker-2"]) platform.signal(name, "SIGKILL");
    await until(40_000, async () => (await watchOf(t))?.state === "tripped");
    t.log(
      `tripped ${Math.round(performance.now() - began)} ms after the swap, with both workers killed`,
    );
    const back = (await platform.api("GET", `/apps/${APP}/deploys?limit=1`)).body.deploys[0];
    t.like(back, { kind: "rollback", by: "guard", toRelease: good });
    t.is((await platform.ended(back.id)).state, "live");
    const { lost } = await traffic.stop();
    // Only what the bad release itself answered is lost: 500s, all of them complete.
    t.deepEqual([...new Set(lost)], ["status 500, complete true"]);
    const after = load(t);
    await sleep(1500);
    const served = await after.stop();
    t.deepEqual(served.lost, []);
    t.deepEqual([...served.bodies], ["good"]);
    t.true(served.answered > 10);

    const watch = await watchOf(t);
    t.regex(
      watch?.why ?? "",
      /\d+\.\d % of \d+ answers failed since, 0\.0 % of \d+ answers before/,
    );
    const log = (await platform.api("GET", `/deploys/${watch?.deploy}/log`)).body;
    t.regex(JSON.stringify(log), /Guard: v\d+ did worse than v\d+: .*Swapping back with moody-/);
    const release = (await platform.api("GET", `/apps/${APP}/releases`)).body.releases[0];
    t.like(release, { by: "guard", kind: "rollback", rollbackOf: good, status: "live" });
    const { findings } = (await platform.api("GET", `/apps/${APP}/doctor`)).body;
    const told = findings.find((one: Finding) => one.about === "the guard");
    t.regex(
      told?.seen ?? "",
      /^swapped v\d+ back to what v\d+ was, .+ ago: .*answers failed since/,
    );
  },
);

test.serial("one that crashes is swapped back; who asks later is told why", async (t) => {
  t.timeout(120_000);
  const { platform } = t.context;
  await push(t, "crashing");
  const traffic = load(t);
  await until(40_000, async () => (await watchOf(t))?.state === "tripped");
  onlyBroke(t, await traffic.stop());
  const watch = await watchOf(t);
  t.regex(watch?.why ?? "", /its instances crashed \d+ times in \d+ s|answers failed since/);
  await until(
    20_000,
    async () =>
      (await platform.api("GET", `/apps/${APP}/deploys?limit=1`)).body.deploys[0].state === "live",
  );
  const { crashes } = (await platform.api("GET", `/apps/${APP}/crashes`)).body;
  t.true(crashes.length >= 2);
  t.like(crashes[0], {
    process: "web.1",
    cause: "exit",
    status: 7,
    says: "web.1 ended with status 7",
  });
  const after = load(t);
  await sleep(1000);
  const served = await after.stop();
  t.deepEqual(served.lost, []);
  t.deepEqual([...served.bodies], ["good"]);
});

test.serial("one that fails as much as the one before it is no worse", async (t) => {
  t.timeout(120_000);
  const { platform } = t.context;
  const guard = (limits: object) => platform.api("POST", `/apps/${APP}/guard`, limits);
  const good = await liveRelease(t);
  await guard({ off: true });
  await push(t, "failing");
  await guard({ off: false, window: 10 });
  const traffic = load(t);
  await sleep(2000);
  const { repo } = t.context;
  t.regex((await repo.push({}, "failing as before")).text, /On guard for 10 s/);
  await until(40_000, async () => (await watchOf(t))?.state !== "watching");
  const { answered, lost } = await traffic.stop();
  const watch = await watchOf(t);
  t.like(watch, { state: "passed", why: "nothing regressed" });
  t.deepEqual([...new Set(lost)], ["status 500, complete true"]);
  const { answers = 0, errors = 0 } = watch?.before ?? {};
  t.log(
    `${errors} of ${answers} failed before, ${lost.length} of ${answered + lost.length} in all`,
  );
  t.true(answers > 50 && errors / answers > 0.4, "enough to be judged");
  const [newest] = (await platform.api("GET", `/apps/${APP}/deploys?limit=1`)).body.deploys;
  t.like(newest, { id: watch?.deploy, state: "live" }, "nothing came after it");
  const back = await platform.api("POST", `/apps/${APP}/rollback`, { to: good });
  t.is((await platform.ended(back.body.deploy.id)).state, "live");
});

test.serial("one that is as good passes, and a guard that is off lets anything be", async (t) => {
  t.timeout(120_000);
  const { platform } = t.context;
  const set = await platform.api("POST", `/apps/${APP}/guard`, { window: 5 });
  t.is(set.body.limits.window, 5);
  const traffic = load(t);
  await sleep(1500);
  await push(t, "good");
  await until(20_000, async () => (await watchOf(t))?.state === "passed");
  t.deepEqual((await traffic.stop()).lost, []);
  await platform.api("POST", `/apps/${APP}/guard`, { off: true });
  t.notRegex(await push(t, "crashing"), /On guard/);
});

test.serial("a standby that crashes is written down and comes back; nobody notices", async (t) => {
  t.timeout(60_000);
  const { platform } = t.context;
  const { standby } = (await platform.api("GET", `/apps/${APP}`)).body;
  const { instances } = (await platform.api("GET", `/apps/${APP}/ps`)).body;
  const one = instances.find((it: { release: number }) => it.release === standby.release);
  const { crashes: before } = (await platform.api("GET", `/apps/${APP}/crashes`)).body;
  const at = (path: string) => fetch(`http://${one.host}:${one.port}${path}`);
  await t.throwsAsync(at("/crash?status=5"));
  await until(20_000, async () => {
    const { crashes } = (await platform.api("GET", `/apps/${APP}/crashes`)).body;
    return crashes.length === before.length + 1 && crashes[0].instance === one.id;
  });
  const { crashes } = (await platform.api("GET", `/apps/${APP}/crashes`)).body;
  t.like(crashes[0], { says: "web.1 ended with status 5", release: standby.release });
  await until(20_000, async () => (await (await at("/health")).text()) === "fine");
  t.is(addressOf(one.id), String(one.host));
  t.is((await platform.api("GET", `/apps/${APP}`)).body.standby.release, standby.release);
});

test.serial(
  "a crash loop is noticed; the instance comes back at its address each time",
  async (t) => {
    t.timeout(120_000);
    const { platform } = t.context;
    const [one] = await platform.live(APP);
    if (!one) throw new Error("nothing is live");
    const found = async () => (await platform.live(APP)).find((it) => it.id === one.id);
    const traffic = load(t);
    await until(60_000, async () => (await found())?.looping === true);
    onlyBroke(t, await traffic.stop());
    const looping = await found();
    t.true((looping?.crashes ?? 0) >= 5);
    t.is(looping?.lastCrash, "web.1 ended with status 7");
    t.is(addressOf(one.id), String(one.host), "a restart does not move it");
    await until(70_000, async () => (await tell(t, "/health")) === "fine");
    const back = await platform.api("POST", `/apps/${APP}/rollback`, {});
    t.is(back.status, 202, JSON.stringify(back.body));
    t.is((await platform.ended(back.body.deploy.id)).state, "live");
  },
);

test.serial(
  "one that eats its memory is ended alone, and named; its neighbour does not notice",
  async (t) => {
    t.timeout(150_000);
    const { platform, repo } = t.context;
    const url = `http://127.0.0.1:${platform.apiPort}/git/steady.git`;
    await repo.git("checkout", "-q", "-b", "steady");
    writeFileSync(join(repo.dir, "mood.txt"), "good\n");
    await repo.commit("steady");
    const pushed = await repo.git("push", url, "steady:main");
    t.is(pushed.status, 0, pushed.text);

    const runtime = { web: { memory: 128, cpus: 0.5, pids: 64, readOnly: true, grace: 3 } };
    const limited = await platform.api("POST", `/apps/${APP}/runtime`, { runtime });
    t.is((await platform.ended(limited.body.deploy.id)).state, "live");
    const [one] = await platform.live(APP);
    if (!one) throw new Error("nothing is live");
    const made = inspect(one.id);
    t.like(made.HostConfig, {
      ...{ Memory: 128 << 20, MemorySwap: 128 << 20, NanoCpus: 5e8, PidsLimit: 64 },
      ReadonlyRootfs: true,
    });
    t.is(made.Config.StopTimeout, 3);

    const neighbour = startSteadyLoad(platform.routerPort, "steady.localhost", 2, 5);
    t.is(await tell(t, "/eat?mb=600"), "status 502", "it broke off");
    await until(30_000, async () => {
      const { crashes } = (await platform.api("GET", `/apps/${APP}/crashes`)).body;
      return crashes[0].cause === "memory";
    });
    const { crashes } = (await platform.api("GET", `/apps/${APP}/crashes`)).body;
    t.regex(crashes[0].says, /^web\.1 ran out of memory \(status \d+/);
    await until(20_000, async () => (await tell(t, "/health")) === "fine");
    t.is(addressOf(one.id), String(one.host));
    const { answered, lost } = await neighbour.stop();
    t.deepEqual(lost, []);
    t.true(answered > 50);

    const back = await platform.api("POST", `/apps/${APP}/rollback`, {});
    t.is((await platform.ended(back.body.deploy.id)).state, "live");
    const after = (await platform.api("GET", `/apps/${APP}/releases`)).body.releases[0];
    t.is(after.runtime, undefined, "a rollback brings the limits of its release back");
  },
);

test.serial("a label of an image cannot say what its containers ended with", async (t) => {
  t.timeout(60_000);
  const { instances } = (await t.context.platform.api("GET", `/apps/${APP}/ps`)).body;
  const namespace = `${t.context.platform.namespace}-labels`;
  const image = `${namespace}:1`;
  const docker = (...args: string[]) => execFileSync("docker", args, { stdio: "pipe" }).toString();
  docker("commit", "--change", "LABEL exitCode=0", instances[0].id, image);
  const over = new AbortController();
  t.teardown(() => {
    over.abort();
    docker("rm", "-f", namespace);
    docker("rmi", image);
  });
  const exits: Exit[] = [];
  const died: ContainerEvent[] = [];
  const { signal } = over;
  const engine = createDocker();
  followExits(engine, { namespace, since: Date.now(), signal }, (it) => exits.push(it)).catch(
    () => {},
  );
  const event = (it: ContainerEvent) => void (it.action === "die" && died.push(it));
  const connected = Promise.withResolvers<void>();
  void createWatch(engine, namespace).events(signal, { event, connected: connected.resolve });
  await connected.promise;
  const labels = labelsOf({
    ...{ "teal.platform": namespace, "teal.app": "shop", "teal.release": "v1" },
    ...{ "teal.process": "web", "teal.deploy": "shop-1", "teal.index": "1" },
    "teal.instance": namespace,
  });
  const marks = Object.entries(labels).map(([name, value]) => `--label=${name}=${value}`);
  const ends = ["--entrypoint", "/bin/sh", image, "-c", "exit 42"];
  docker("run", "-d", "--name", namespace, ...marks, ...ends);
  await until(20_000, async () => exits.length > 0 && died.length > 0);
  t.like(exits[0], { id: namespace, status: 42, outOfMemory: false, runsOn: false });
  t.is(died[0]?.exitCode, 42);
});

function inspect(id: string) {
  return JSON.parse(execFileSync("docker", ["inspect", id]).toString())[0];
}

interface Attachment {
  IPAMConfig: { IPv4Address: string };
}

function addressOf(id: string): string {
  const networks: Record<string, Attachment> = inspect(id).NetworkSettings.Networks;
  const [network] = Object.values(networks);
  return network?.IPAMConfig.IPv4Address ?? "";
}
