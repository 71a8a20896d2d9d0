import anyTest, { type ExecutionContext, type TestFn } from "ava";
import { ask } from "../support/asking.ts";
import { runningOf } from "../support/docker-remains.ts";
import { type Platform, startPlatform } from "../support/platform.ts";
import { createRepo, type Repo } from "../support/repo.ts";
import { startSteadyLoad } from "../support/steady-load.ts";
import { createTeal } from "../support/teal-cli.ts";

const APP = "daily";

interface Context {
  platform: Platform;
  repo: Repo;
}
const test = anyTest as TestFn<Context>;

test.before(async (t) => {
  t.timeout(120_000);
  const platform = await startPlatform({ routers: 2, env: { TEAL_DRAIN: "1" } });
  const repo = createRepo("talks", platform, APP);
  t.context = { platform, repo };
  await repo.init();
  const pushed = await repo.push();
  if (pushed.status !== 0) throw new Error(pushed.text);
});

test.after.always(async (t) => {
  t.context.repo?.remove();
  await t.context.platform?.stop();
});

const tell = (t: ExecutionContext<Context>, path = "/") =>
  ask(t.context.platform.routerPort, `${APP}.localhost`, path);

test.serial("a stopped app answers 503, stays down, and starts again where it was", async (t) => {
  t.timeout(120_000);
  const { platform, repo } = t.context;
  const { teal } = createTeal(platform);
  const before = await runningOf(platform.namespace);
  const load = startSteadyLoad(platform.routerPort, `${APP}.localhost`);
  const stopped = await teal(["ps:stop", "-a", APP]);
  const { lost } = await load.stop();
  t.is(stopped.code, 0, stopped.err);
  t.deepEqual(new Set(lost.map((one) => /503/.test(one))), new Set([true]), JSON.stringify(lost));
  t.deepEqual(await runningOf(platform.namespace), []);
  t.is(await tell(t), "status 503");
  t.regex((await teal(["apps:info", "-a", APP])).out, /state +stopped/);
  // A worker that comes up looks at all there is.
  platform.signal("worker-1", "SIGKILL");
  await new Promise((done) => setTimeout(done, 4000));
  t.deepEqual(await runningOf(platform.namespace), []);
  const started = await teal(["ps:start", "-a", APP]);
  t.is(started.code, 0, started.err);
  t.is(await tell(t), "done");
  t.deepEqual(await runningOf(platform.namespace), before);
  await teal(["ps:stop", "-a", APP]);
  const pushed = await repo.push();
  t.is(pushed.status, 0, pushed.text);
  t.regex(pushed.text, /was stopped; it starts with this release/);
  t.is(await tell(t), "done");
});
