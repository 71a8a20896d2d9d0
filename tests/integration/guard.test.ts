import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { setTimeout as sleep } from "node:timers/promises";
import { type Platform, startPlatform, until } from "../support/platform.ts";
import { createRepo, type Repo } from "../support/repo.ts";
import { startSteadyLoad } from "../support/steady-load.ts";

const APP = "moody";

interface Context {
  platform: Platform;
  repo: Repo;
}
const test = anyTest as TestFn<Context>;

test.before(async (t) => {
  t.timeout(120_000);
  const platform = await startPlatform({ routers: 2, workers: 2, env: { TEAL_DRAIN: "2" } });
  const repo = createRepo("misbehaves", platform, APP);
  t.context = { platform, repo };
  await repo.init();
  const pushed = await repo.push();
  if (pushed.status !== 0) throw new Error(pushed.text);
});

test.after.always(async (t) => {
  t.context.repo?.remove();
  await t.context.platform?.stop();
});

interface Watch {
  state: string;
  deploy: string;
  why?: string;
}

async function watchOf(t: ExecutionContext<Context>): Promise<Watch | null> {
  return (await t.context.platform.api("GET", `/apps/${APP}/guard`)).body.watch;
}

async function push(t: ExecutionContext<Context>, mood: string) {
  const pushed = await t.context.repo.push({ "mood.txt": `${mood}\n` }, mood);
  t.is(pushed.status, 0, pushed.text);
  return pushed.text;
}

async function liveRelease(t: ExecutionContext<Context>): Promise<number> {
  return (await t.context.platform.api("GET", `/apps/${APP}`)).body.live.release;
}

const load = (t: ExecutionContext<Context>) =>
  startSteadyLoad(t.context.platform.routerPort, `${APP}.localhost`, 2, 20);

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
    await until(
      20_000,
      async () => (await platform.api("GET", `/deploys/${back.id}`)).body.state === "live",
    );
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
  },
);

test.serial("one that crashes is swapped back; who asks later is told why", async (t) => {
  t.timeout(120_000);
  const { platform } = t.context;
  await push(t, "crashing");
  const traffic = load(t);
  await until(40_000, async () => (await watchOf(t))?.state === "tripped");
  await traffic.stop();
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
  t.notRegex(await push(t, "failing"), /On guard/);
});
