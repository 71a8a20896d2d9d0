import test from "ava";
import { createLeases } from "../../../apps/leases.ts";
import { createLog } from "../../../apps/log.ts";
import { keys } from "../../../apps/keys.ts";
import { LATENCY_MS, type Counters } from "../../../router/contract.ts";
import { createSampler } from "../../../workers/sampler.ts";
import { goLive, pushOf, startApi, type TestApi } from "../../support/api.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
});
test.after.always(() => api.stop());

const answered = (requests: number): Counters => ({
  ...{ served: {}, held: 0, retried: 0, refused: 0, lost: 0 },
  targets: {
    "teal-shop-1-web-1": {
      ...{ since: 1, byClass: [0, 0, 0.8 * requests, 0, 0, 0.2 * requests], failed: 0, cut: 0 },
    },
  },
  releases: {
    1: {
      colour: "blue",
      byClass: [0, 0, requests, 0, 0, 0],
      own: { 502: 0, 503: 0, 504: 0 },
      ...{ cut: 0, streams: 0, seconds: 0 },
      buckets: [...LATENCY_MS, 0].map((_, i) => (i === 3 ? requests : 0)),
    },
  },
});

test("one of two workers samples; what is quiet is written down once a minute; another takes over", async (t) => {
  await api.store.createApp("shop", "ann");
  const pushed = await api.deploys.push(pushOf("shop", "aaa"));
  await goLive(api.store, "shop", pushed, { runtime: { web: { cpus: 0.5 } } });
  const redis = api.redis.connect();
  let [clock, requests, cpuNs, periods, throttled] = [0, 100, 0, 40, 10];
  const worker = (id: string) =>
    createSampler({
      ...{
        store: api.store,
        series: api.series,
        leases: createLeases(redis),
        id,
        log: createLog("test"),
      },
      routers: { counts: async () => new Map([["r1", answered(requests)]]) },
      usageOf: async () => ({ cpuNs, periods, throttled, memory: 50e6, limit: 0, processes: 1 }),
      now: () => clock,
    });
  const [one, two] = [worker("one"), worker("two")];
  const count = async () => (await api.series.read("shop")).length;
  await one.round();
  await two.round();
  t.is(await count(), 0, "the first look is what the second is compared with");

  [clock, requests, cpuNs, periods, throttled] = [10_000, 150, 2.5e9, 140, 35];
  await one.round();
  await two.round();
  const [sample] = await api.series.read("shop");
  t.like(sample, { seconds: 10, colours: { blue: { requests: 50, errors: 0 } } });
  t.deepEqual(sample?.instances, {
    "teal-shop-1-web-1": {
      ...({ colour: "blue", name: "web.1" } as const),
      ...{ cpu: 0.25, cpus: 0.5, throttled: 0.25, memory: 50e6, limit: 0 },
      ...{ requests: 50, errors: 10 },
    },
  });
  t.is(await count(), 1);

  for (clock = 20_000; clock < 90_000; clock += 10_000) await one.round();
  t.is(await count(), 3, "the end of the work, and once in the minute after");

  await redis.del(keys.sampler);
  await two.round();
  requests += 7;
  clock += 10_000;
  await two.round();
  await one.round();
  const all = await api.series.read("shop");
  t.is(all.length, 4);
  t.is(all.at(-1)?.colours.blue?.requests, 7);
  t.is((await api.series.latest("shop"))?.at, all.at(-1)?.at);
  t.deepEqual(await api.series.read("shop", all.at(-2)?.at), all.slice(-1));
  redis.disconnect();
});

test("a series holds an hour, whatever the app does, and goes with the app", async (t) => {
  const now = Date.now();
  for (let i = 0; i < 900; i++) {
    const at = now - (900 - i) * 5000;
    await api.series.append(new Map([["busy", { at, seconds: 5, colours: {}, instances: {} }]]));
  }
  const all = await api.series.read("busy");
  t.true(all.every(({ at }) => at > now - 3_600_000));
  const redis = api.redis.connect();
  t.true((await redis.xlen(keys.series("busy"))) <= 600);
  redis.disconnect();
});
