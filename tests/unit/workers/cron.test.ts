import test from "ava";
import { createCronBook, type CronJob, cronJobId } from "../../../apps/cron.ts";
import { keys } from "../../../apps/keys.ts";
import type { App, Release } from "../../../apps/types.ts";
import { createCronClock } from "../../../workers/cron.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

let redis: TestRedis;
test.before(async () => {
  redis = await startRedis();
});
test.after.always(() => redis.stop());

const NOON = Date.parse("2026-01-02T12:00:00Z");
const MINUTE = 60_000;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** Workers of one platform, with containers that end when the test says so, and a clock of its own. */
function createPlatform(name: string, more: Partial<CronJob> = {}) {
  const wish = { command: "./report", schedule: "*/5 * * * *" };
  const job: CronJob = { id: cronJobId(wish), ...wish, concurrency: "allow", ...more };
  const containers = new Map<string, number | "running">();
  const told: string[] = [];
  const clock = { now: NOON - MINUTE };
  const app = { name, state: "active", live: { release: 1, since: 0 } } as App;
  const release = { app: name, n: 1, processes: {}, cron: [job] } as unknown as Release;
  const knobs: { stopped?: true } = {};
  const book = createCronBook(redis.connect());
  const worker = () =>
    createCronClock({
      store: {
        listApps: async () => [app],
        getRelease: async () => release,
        getSettings: async () => ({ options: knobs }) as never,
      },
      book,
      engine: {
        startDetached: async (wanted) => void containers.set(wanted.name, "running"),
        exitOf: async (container) => containers.get(container) ?? null,
        stop: async (container) => void containers.set(container, 143),
      },
      remove: async (container) => void containers.delete(container),
      notes: { begin: (_, note) => void told.push(note.text) },
      conceal: (_, text) => text,
      namespace: "t",
      now: () => clock.now,
      log: SILENT,
    });
  const [one, two] = [worker(), worker()];
  return {
    containers,
    told,
    knobs,
    state: async () => (await book.read(name))[job.id],
    /** Both workers look, at the same moment. */
    async at(now: number) {
      clock.now = now;
      await Promise.all([one.look(), two.look()]);
      await Promise.all([one.look(), two.look()]);
    },
    end: (exit: number) => [...containers.keys()].forEach((it) => containers.set(it, exit)),
  };
}

test("a run that is due is started by one worker, once, and its end is kept", async (t) => {
  const { containers, state, told, at, end } = createPlatform("once");
  await at(NOON - MINUTE);
  t.is(containers.size, 0);
  await at(NOON + 500);
  await at(NOON + 1500);
  t.is(containers.size, 1);
  t.like((await state())?.last, { due: NOON, state: "running" });
  end(3);
  await at(NOON + 2000);
  t.like((await state())?.last, { due: NOON, state: "failed", exit: 3 });
  t.is(containers.size, 0, "it is removed once its end is kept");
  t.is(told.filter((text) => /starts as run\./.test(text)).length, 1);
});

test("runs that nobody could start are said to be missed, and not made up for", async (t) => {
  const { containers, state, told, at } = createPlatform("missed");
  await at(NOON - MINUTE);
  await at(NOON + 14 * MINUTE);
  t.is(containers.size, 0);
  t.like((await state())?.last, { state: "missed", due: NOON + 10 * MINUTE, why: "3 in a row" });
  t.deepEqual(told.filter((text) => /missed 3 run\(s\)/.test(text)).length, 1);
});

test("while the run before goes on another is started, left out, or takes its place", async (t) => {
  const after = async (concurrency: CronJob["concurrency"]) => {
    const platform = createPlatform(`overlap-${concurrency}`, { concurrency });
    await platform.at(NOON - MINUTE);
    await platform.at(NOON);
    await platform.at(NOON + 5 * MINUTE);
    return platform;
  };
  t.deepEqual([...(await after("allow")).containers.values()], ["running", "running"]);
  const forbidden = await after("forbid");
  t.deepEqual([...forbidden.containers.values()], ["running"]);
  t.like((await forbidden.state())?.last, { state: "skipped" });
  forbidden.end(0);
  await forbidden.at(NOON + 10 * MINUTE);
  t.like((await forbidden.state())?.last, { state: "running", due: NOON + 10 * MINUTE });
  t.deepEqual([...(await after("replace")).containers.values()], ["running"]);
});

test("what is left out for now, or of a stopped app, is neither started nor missed", async (t) => {
  const left = createPlatform("left-out", { maintenance: true });
  const stopped = createPlatform("stopped");
  stopped.knobs.stopped = true;
  for (const platform of [left, stopped]) {
    await platform.at(NOON - MINUTE);
    await platform.at(NOON);
    await platform.at(NOON + 30 * MINUTE);
    t.is(platform.containers.size, 0);
    t.deepEqual(platform.told, []);
  }
});

test("who took longer than the lock lasts does not give back another's", async (t) => {
  const store = redis.connect();
  const book = createCronBook(store);
  await book.alone("slow", async () => {
    // As if half a minute had passed, and another worker looked since.
    await store.set(keys.cronLock("slow"), "another");
  });
  t.is(await store.get(keys.cronLock("slow")), "another");
  await store.del(keys.cronLock("slow"));
  t.true(await book.alone("slow", async () => {}));
  t.is(await store.get(keys.cronLock("slow")), null);
});
