import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { HealthCheck } from "../../../apps/checks.ts";
import { createCrashes } from "../../../apps/crashes.ts";
import { keys } from "../../../apps/keys.ts";
import { createRedisStore } from "../../../apps/store-redis.ts";
import { createCheckups } from "../../../workers/checkups.ts";
import { startRedis } from "../../support/redis.ts";

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const APP = "shop";
const LIVENESS: HealthCheck = {
  ...{ type: "liveness", path: "/up", attempts: 2 },
  ...{ timeoutMs: 1000, waitMs: 1000, initialDelayMs: 0 },
};

/** An instance: people's pages and its own word on how it is, as statuses. */
async function startInstance() {
  const statuses = { page: 200, up: 200 };
  const server = createServer(({ url }, res) => {
    res.writeHead(url === "/up" ? statuses.up : statuses.page).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { statuses, port, stop: () => server.close() };
}

/** An app with two instances of `web` that are live, on real Redis; the engine alone is not there. */
async function startWorld() {
  const server = await startRedis();
  const redis = server.connect();
  const store = createRedisStore(redis);
  const crashes = createCrashes(redis);
  const both = [await startInstance(), await startInstance()] as const;
  await goLive(
    store,
    both.map(({ port }) => port),
  );
  await redis.del(keys.notices);

  const restarts: { id: string; at: number }[] = [];
  const said: string[] = [];
  const world = { now: Date.now() };
  const containers = {
    idOf: async (id: string) => id,
    stop: async () => {},
    execute: async () => ({ code: 0, output: "" }),
    async restart(id: string) {
      restarts.push({ id, at: world.now });
    },
    inspect: async () => ({
      ...{ running: true, exitCode: 0, oomKilled: false, startedAt: 0, pid: 1 },
      addresses: ["127.0.0.1"],
    }),
  };
  const start = () =>
    createCheckups({
      ...{ store, crashes, containers, log: SILENT, now: () => world.now },
      ...{ routers: { counts: async () => new Map() }, hostOf: (app) => `${app}.test` },
      notes: { note: (_app, { text }) => void said.push(text) },
    });
  /** So many seconds of an hour that a test need not wait for. */
  async function seconds(checkups: ReturnType<typeof start>, count: number) {
    for (let i = 0; i < count; i++) {
      world.now += 1000;
      await checkups.look();
      await sleep(10);
    }
  }
  return {
    ...{ both, crashes, restarts, said, start, seconds },
    /** What people are told. */
    told: async () => (await redis.lrange(keys.notices, 0, -1)).filter((it) => / check-/.test(it)),
    stop() {
      both.forEach((one) => one.stop());
      return server.stop();
    },
  };
}

async function goLive(store: ReturnType<typeof createRedisStore>, ports: number[]) {
  await store.createApp(APP, "ann");
  await store.requestDeploy({ app: APP, kind: "push", commit: "a".repeat(40), by: "ann", why: "" });
  const taken = await store.claim(APP, "x", 60_000);
  if (!taken) throw new Error("no claim");
  const { claim, deploy } = taken;
  const release = await store.createRelease(claim, {
    ...{ deploy: deploy.id, kind: "push", commit: "a".repeat(40), image: "sha256:1" },
    ...{ imageBytes: 1, processes: { web: "" }, formation: { web: 2 }, port: 5000 },
    ...{ by: "ann", why: "", checks: { web: [LIVENESS] } },
  });
  const slot = { deploy: deploy.id, release: release.n, colour: "blue", process: "web" } as const;
  const all = ports.map((_, i) => ({ ...slot, id: `t-web-${i + 1}`, index: i + 1 }));
  await store.recordInstances(claim, all);
  for (const [i, port] of ports.entries()) {
    await store.advanceInstance(claim, `t-web-${i + 1}`, "started", { host: "127.0.0.1", port });
    await store.advanceInstance(claim, `t-web-${i + 1}`, "healthy");
  }
  await store.prepareSwap(claim, deploy.id, "s1", { commitMs: 5000, holdMs: 1 });
  await store.commitSwap(claim, {
    ...{ id: "s1", deploy: deploy.id, release: release.n, colour: "blue", startedBy: deploy.id },
    ...{ targets: all.map(({ id }) => id), expectedVersion: 0, hosts: ["shop.test"], drainMs: 1 },
  });
  await store.finishDeploy(claim, deploy.id, "live");
  await store.release(claim);
}

test("one that is left alone is told of once, and again only after it was well", async (t) => {
  t.timeout(60_000);
  const world = await startWorld();
  t.teardown(() => world.stop());
  const { both, said, start, seconds, told } = world;
  const [lost, spared] = both;
  let checkups = start();
  await seconds(checkups, 5);
  t.deepEqual(await told(), [], "both are well");

  // Both say that they are not well; the first does not even answer people after its restart.
  for (const one of both) one.statuses.up = 503;
  lost.statuses.page = 503;
  await seconds(checkups, 150);
  t.deepEqual(await told(), ["shop-1 check-failing web.2: status 503"]);
  const restarted = (id: string) => world.restarts.some((it) => it.id === id);
  t.true(restarted("t-web-1"));
  t.false(restarted("t-web-2"), "it still answers people");
  const alone = "web.2 fails its liveness check (status 503) and is left alone";
  t.is(said.filter((it) => it.startsWith(alone)).length, 1);
  await seconds(checkups, 100);
  // Another worker goes on.
  checkups = start();
  await seconds(checkups, 200);
  t.is((await told()).length, 1, "once");
  t.false(restarted("t-web-2"), "nor does the next worker stop the last one that answers");

  spared.statuses.up = 200;
  await seconds(checkups, 5);
  t.is(said.filter((it) => it === "web.2 passes its liveness check again").length, 1);
  t.is((await told()).length, 1);
  spared.statuses.up = 500;
  await seconds(checkups, 200);
  t.deepEqual((await told()).slice(1), ["shop-1 check-failing web.2: status 500"]);
});

test("restarts of what hangs on wait ever longer, and never for more than five minutes", async (t) => {
  t.timeout(60_000);
  const world = await startWorld();
  t.teardown(() => world.stop());
  const { both, restarts, start, seconds } = world;
  const checkups = start();
  both[0].statuses.up = 503;
  await seconds(checkups, 650);
  t.true(restarts.every(({ id }) => id === "t-web-1"));
  const apart = restarts.slice(1).map(({ at }, i) => (at - (restarts[i]?.at ?? 0)) / 1000);
  t.log(`restarts ${apart.join(", ")} s apart`);
  // Two looks that fail come before each. On a busy machine one comes late, and the next is nearer.
  for (const [i, wanted] of [10, 20, 40, 80, 160, 300].entries()) {
    const found = apart[i] ?? 0;
    t.true(found >= wanted - 3 && found <= wanted + 6, `${found} s, and ${wanted} s were due`);
  }
  const crashes = await world.crashes.list(APP);
  t.deepEqual(
    crashes.map(({ instance, cause }) => `${instance} ${cause}`),
    restarts.map(({ id }) => `${id} hung`),
    "each is on record",
  );
});
