import type { ExecutionContext } from "ava";
import { setTimeout as sleep } from "node:timers/promises";
import type { InstanceView } from "../../apps/views.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { ask } from "../support/asking.ts";
import { until } from "../support/platform.ts";
import { startSteadyLoad } from "../support/steady-load.ts";

const APP = "hangs";
const often = { timeout: 1, wait: 1, attempts: 2 };
const HEALTH = {
  healthchecks: {
    web: [
      { type: "startup", path: "/health" },
      { type: "liveness", path: "/health", ...often },
      { type: "readiness", path: "/ready", ...often },
    ],
  },
};

const test = testApp({
  app: APP,
  fixture: "misbehaves",
  files: { "app.json": JSON.stringify(HEALTH) },
  routers: 2,
  env: { TEAL_DRAIN: "2" },
  async before({ platform }) {
    await platform.api("POST", "/apps", { name: APP });
    await platform.api("POST", `/apps/${APP}/guard`, { off: true });
    await platform.api("POST", `/apps/${APP}/runtime`, { runtime: { web: { grace: 1 } } });
    await platform.api("POST", `/apps/${APP}/formation`, { formation: { web: 2 } });
  },
});

const live = (t: ExecutionContext<AppWorld>) => t.context.platform.live(APP);

/** Past the router. */
function post({ host, port }: InstanceView, path: string): Promise<Response> {
  return fetch(`http://${host}:${port}${path}`, {
    method: "POST",
    signal: AbortSignal.timeout(1500),
  });
}

async function crashesOf(t: ExecutionContext<AppWorld>, { id }: InstanceView) {
  const { crashes } = (await t.context.platform.api("GET", `/apps/${APP}/crashes`)).body;
  return crashes.filter((it: { instance: string }) => it.instance === id);
}

async function count(t: ExecutionContext<AppWorld>, text: RegExp): Promise<number> {
  const log = await t.context.platform.api("GET", `/apps/${APP}/logs?source=teal&n=500`);
  return JSON.stringify(log.body).match(text)?.length ?? 0;
}

async function logged(t: ExecutionContext<AppWorld>, text: RegExp): Promise<boolean> {
  return (await count(t, text)) > 0;
}

const load = (t: ExecutionContext<AppWorld>) =>
  startSteadyLoad(t.context.platform.routerPort, `${APP}.localhost`, 2, 10);

/** How many instances answer. @throws Error when one of ten requests gets no answer */
async function whoAnswers(t: ExecutionContext<AppWorld>): Promise<number> {
  const { routerPort } = t.context.platform;
  const names = new Set<string>();
  for (let i = 0; i < 10; i++) names.add(await ask(routerPort, `${APP}.localhost`, "/name"));
  for (const name of names) if (/^(status|error) /.test(name)) throw new Error(name);
  return names.size;
}

test.serial("one of two that hangs is restarted in place, and nobody loses anything", async (t) => {
  t.timeout(90_000);
  // Not the one that is left when the app is scaled down: how long a restart waits has a memory.
  const one = (await live(t)).find(({ index }) => index === 2);
  if (!one) throw new Error("two were expected");
  const traffic = load(t);
  await sleep(1000);
  const began = performance.now();
  await t.throwsAsync(post(one, "/hang"));
  await until(30_000, async () => (await crashesOf(t, one)).length > 0);
  t.log(`restarted ${Math.round(performance.now() - began)} ms after it hung`);
  await until(30_000, () => logged(t, /web\.\d is healthy again/));
  await sleep(1000);
  const { answered, lost, bodies } = await traffic.stop();
  t.deepEqual(lost, []);
  t.deepEqual([...bodies], ["good"]);
  t.true(answered > 50);
  const [crash, ...more] = await crashesOf(t, one);
  t.like(crash, { cause: "hung", detail: "liveness: no answer within 1000 ms" });
  t.regex(crash.says, /^web\.\d was restarted \(liveness: no answer within 1000 ms\)$/);
  t.deepEqual(more, [], "once");
  const back = (await live(t)).find(({ id }) => id === one.id);
  t.is(back?.host, one.host);
  t.is(await (await post(one, "/health")).text(), "fine");
});

test.serial(
  "one that is not ready gets no requests until it is, but the last one does",
  async (t) => {
    t.timeout(90_000);
    const both = await live(t);
    const [one, two] = both;
    if (!one || !two) throw new Error("two were expected");
    t.is(await whoAnswers(t), 2);
    const traffic = load(t);
    await post(one, "/set-ready?to=no");
    await until(20_000, async () => (await whoAnswers(t)) === 1);
    await until(5000, () =>
      logged(t, /fails its readiness check \(status 503, body: busy with itself/),
    );
    await post(two, "/set-ready?to=no");
    await until(20_000, async () => (await whoAnswers(t)) === 2);
    for (const it of both) await post(it, "/set-ready?to=yes");
    // While one of them has not passed yet, it is passed over.
    const passed = async () => count(t, /passes its readiness check again/g);
    await until(20_000, async () => (await passed()) === 2);
    await until(5000, async () => (await whoAnswers(t)) === 2);
    const { lost } = await traffic.stop();
    t.deepEqual(lost, []);
    for (const it of both) t.is((await crashesOf(t, it)).length, it.index === 2 ? 1 : 0);
  },
);

test.serial("one of two that crashes comes back at its address, behind its checks", async (t) => {
  t.timeout(90_000);
  const [one] = await live(t);
  if (!one) throw new Error("two were expected");
  const before = (await crashesOf(t, one)).length;
  const back = await count(t, /is healthy again/g);
  const traffic = load(t);
  await t.throwsAsync(post(one, "/crash?status=5"));
  await until(20_000, async () => (await crashesOf(t, one)).length === before + 1);
  await until(30_000, async () => (await count(t, /is healthy again/g)) > back);
  await until(5000, async () => (await whoAnswers(t)) === 2);
  t.deepEqual((await traffic.stop()).lost, []);
  t.like((await crashesOf(t, one))[0], { cause: "exit", status: 5 });
  const now = (await live(t)).find(({ id }) => id === one.id);
  t.is(now?.host, one.host, "at the address that routers know, and it is its own");
});

test.serial("a single one that hangs is restarted too, and again only after a while", async (t) => {
  t.timeout(120_000);
  const { platform } = t.context;
  const scaled = await platform.api("POST", `/apps/${APP}/formation`, { formation: { web: 1 } });
  t.is((await platform.ended(scaled.body.deploy.id)).state, "live");
  const [one] = await live(t);
  if (!one) throw new Error("nothing is live");
  const before = (await crashesOf(t, one)).length;
  const back = await count(t, /is healthy again/g);
  const answers = async () => (await post(one, "/health")).status === 200;
  await t.throwsAsync(post(one, "/hang"));
  await until(30_000, async () => (await crashesOf(t, one)).length === before + 1);
  await until(20_000, async () => (await count(t, /is healthy again/g)) > back);
  t.true(await answers());
  // It hangs again at once: the second restart waits for ten seconds from the first, at least.
  await t.throwsAsync(post(one, "/hang"));
  await until(60_000, async () => (await crashesOf(t, one)).length === before + 2);
  const [second, first] = await crashesOf(t, one);
  t.log(`restarts ${second.at - first.at} ms apart`);
  t.true(second.at - first.at >= 10_000);
  await until(20_000, answers);
});

test.serial("restarts of what hangs trip the guard, without a single request", async (t) => {
  t.timeout(120_000);
  const { platform, repo } = t.context;
  const scaled = await platform.api("POST", `/apps/${APP}/formation`, { formation: { web: 2 } });
  t.is((await platform.ended(scaled.body.deploy.id)).state, "live");
  await platform.api("POST", `/apps/${APP}/guard`, { off: false, window: 60 });
  const before = (await platform.api("GET", `/apps/${APP}`)).body.live.release;
  const pushed = await repo.push({ "mood.txt": "stuck\n" }, "hangs after a while");
  t.is(pushed.status, 0, pushed.text);
  const watch = async () => (await platform.api("GET", `/apps/${APP}/guard`)).body.watch;
  await until(60_000, async () => (await watch())?.state === "tripped");
  t.regex((await watch()).why, /its instances crashed \d+ times in \d+ s/);
  await until(30_000, async () => {
    const [newest] = (await platform.api("GET", `/apps/${APP}/deploys?limit=1`)).body.deploys;
    return newest.kind === "rollback" && newest.by === "guard" && newest.state === "live";
  });
  const { live: now } = (await platform.api("GET", `/apps/${APP}`)).body;
  const info = (await platform.api("GET", `/apps/${APP}/releases/${now.release}`)).body;
  t.is(info.rollbackOf, before);
});
