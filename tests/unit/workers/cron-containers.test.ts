import { randomBytes } from "node:crypto";
import test from "ava";
import { createCronBook, type CronJob, cronJobId } from "../../../apps/cron.ts";
import type { App, Release } from "../../../apps/types.ts";
import { createCronClock } from "../../../workers/cron.ts";
import { createNetworks } from "../../../workers/engine/network.ts";
import { createRunEngine } from "../../../workers/engine/runs.ts";
import { createVolumes } from "../../../workers/engine/volumes.ts";
import { startBuilder } from "../../support/builder.ts";
import { until } from "../../support/platform.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

const builder = await startBuilder();
const { docker, namespace } = builder;
const networks = createNetworks(docker, { namespace, pool: "10.214.96.0/20" });
const volumes = createVolumes(docker, { namespace, roots: [] });
const engine = createRunEngine(docker, networks, { namespace, configOf: () => ({}), volumes });
const image = "teal/base/debian:bookworm";
const name = `a${randomBytes(4).toString("hex")}`;

let redis: TestRedis;
test.before(async (t) => {
  t.timeout(120_000);
  redis = await startRedis();
  await builder.bases.ensureNamed(image, () => {}, AbortSignal.timeout(100_000));
});
test.after.always(async () => {
  await builder.close();
  await networks.remove(name);
  await redis?.stop();
});

const NOON = Date.parse("2026-01-02T12:00:00Z");
const MINUTE = 60_000;
/** Goes on until it is told to end, and then ends well. */
const COMMAND = "trap 'exit 0' TERM; sleep 300 & wait";

/** The clock of one app with a job of each kind; what of it runs is asked of Docker. */
async function createClock() {
  const jobs = (["allow", "forbid", "replace"] as const).map((concurrency): CronJob => {
    const wish = { command: `: ${concurrency}; ${COMMAND}`, schedule: "*/5 * * * *" };
    return { id: cronJobId(wish), ...wish, concurrency };
  });
  const app = { name, id: "1", state: "active", live: { release: 1, since: 0 } } as App;
  const release = {
    ...{ app: name, n: 1, deploy: `${name}-1`, commit: "c".repeat(40), image, port: 5000 },
    ...{ processes: {}, config: {}, cron: jobs },
  } as unknown as Release;
  const book = createCronBook(redis.connect());
  const told: string[] = [];
  const clock = { now: NOON - MINUTE };
  const cron = createCronClock({
    ...{ book, engine, namespace, now: () => clock.now },
    store: {
      listApps: async () => [app],
      getRelease: async () => release,
      getSettings: async () => ({ options: {} }) as never,
    },
    remove: (container) => engine.remove(container),
    notes: { begin: (_, { text }) => void told.push(text) },
    conceal: (_, text) => text,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  return {
    told,
    async at(now: number): Promise<void> {
      clock.now = now;
      await cron.look();
    },
    async stateOf(concurrency: CronJob["concurrency"]) {
      const { id = "" } = jobs.find((job) => job.concurrency === concurrency) ?? {};
      return (await book.read(name))[id];
    },
    /** Docker's own ids of the job's containers that run. */
    async running(concurrency: CronJob["concurrency"]): Promise<string[]> {
      const label = [`teal.platform=${namespace}`, `teal.app=${name}`];
      const all = await docker.listContainers({ filters: { label } });
      return all.filter((one) => one.Command.includes(`: ${concurrency};`)).map(({ Id }) => Id);
    },
  };
}

test("allow: both run; forbid: the one before goes on; replace: another in its place", async (t) => {
  t.timeout(90_000);
  const { at, running, stateOf, told } = await createClock();
  const all = async () =>
    Promise.all((["allow", "forbid", "replace"] as const).map((one) => running(one)));
  await at(NOON - MINUTE);
  t.deepEqual(await all(), [[], [], []]);
  await at(NOON);
  const [allow = [], forbid = [], replace = []] = await all();
  t.deepEqual([allow.length, forbid.length, replace.length], [1, 1, 1]);

  await at(NOON + 5 * MINUTE);
  const [both = [], same, next = []] = await all();
  t.is(both.length, 2);
  t.true(both.includes(allow[0] ?? ""));
  t.deepEqual(same, forbid);
  t.is(next.length, 1);
  t.not(next[0], replace[0]);
  t.regex((await stateOf("forbid"))?.last?.why ?? "", /^run\.[0-9a-f]{8} still went on$/);
  t.true(told.some((text) => /: replace;.*still goes on and is ended/.test(text)));

  await at(NOON + 5 * MINUTE + 1000);
  const replaced = await stateOf("replace");
  t.like(replaced?.past?.[0], { due: NOON, state: "done", exit: 0 }, "it was told to end, and did");
  t.is(replaced?.running.length, 1);
  await until(5000, async () =>
    (await docker.listContainers({ all: true })).every(({ Id }) => Id !== replace[0]),
  );

  await at(NOON + 19 * MINUTE);
  const missed = { state: "missed", why: "2 in a row", due: NOON + 15 * MINUTE };
  t.like((await stateOf("allow"))?.last, missed);
  t.is(told.filter((text) => /missed 2 run\(s\): no worker ran/.test(text)).length, 3);
  t.is((await running("allow")).length, 2, "nothing is made up for");
});
