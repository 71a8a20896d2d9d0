import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { doctor } from "../../apps/cli/platform/doctor.ts";
import { readPlatform } from "../../apps/cli/platform/environment.ts";
import { writeService } from "../../apps/cli/platform/service-files.ts";
import { platformServices, REDIS_SERVICE } from "../../apps/cli/platform/services.ts";
import { consumeQueue, createQueue } from "../../apps/queue.ts";
import { createRedisStore } from "../../apps/store-redis.ts";
import { eventually } from "../support/push-world.ts";
import { startRedis } from "../support/redis.ts";
import { deadPort } from "../support/router-rig.ts";

const root = join(import.meta.dirname, "..", "..");

test("the platform's Redis has no port, and its socket is its user's alone", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "teal-58-"));
  const platform = await readPlatform(root, { TEAL_HOME: home });
  const { paths } = platform.settings;
  for (const dir of [paths.run, paths.redis]) mkdirSync(dir, { recursive: true });
  const services = await platformServices(platform, readFileSync(join(root, "Procfile"), "utf8"));
  const service = services.find(({ name }) => name === REDIS_SERVICE)!;
  await writeService(join(home, "redis-service"), service);
  const server = spawn(join(home, "redis-service", "run"), [], { env: {}, stdio: "ignore" });
  const redis = new Redis({ path: paths.redisSocket, retryStrategy: () => 50 });
  redis.on("error", () => {});
  t.teardown(() => {
    redis.disconnect();
    server.kill("SIGKILL");
    rmSync(home, { recursive: true, force: true });
  });
  await redis.ping();
  t.is(statSync(paths.redisSocket).mode & 0o777, 0o700);
  // The run file has made way for the server: this is its process.
  t.deepEqual(await redis.config("GET", "port"), ["port", "0"]);
  t.regex(readFileSync(`/proc/${server.pid}/comm`, "utf8"), /^redis-server/);
});

test("a Redis of the network that asks for no password is found by the doctor", async (t) => {
  const port = await deadPort();
  const start = (args: string[]) =>
    spawn("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", ...args], {
      stdio: "ignore",
      cwd: tmpdir(),
    });
  const find = async (url: string) => {
    const env = { TEAL_HOME: join(tmpdir(), "teal-58-none"), TEAL_REDIS_URL: url, PATH: "" };
    const findings = await doctor(await readPlatform(root, env));
    return findings.filter(({ what, says }) => what === "Redis" && /without a password/.test(says));
  };
  const open = start([]);
  t.teardown(() => open.kill("SIGKILL"));
  await eventually(async () => (await find(`redis://127.0.0.1:${port}`)).length === 1);
  t.is((await find(`redis://127.0.0.1:${port}`))[0]?.level, "bad");
  // A password that is sent and not asked for keeps nobody out.
  t.is((await find(`redis://:hunter22@127.0.0.1:${port}`)).length, 1);
  open.kill("SIGKILL");
  await sleep(200);
  const shut = start(["--requirepass", "hunter22"]);
  t.teardown(() => shut.kill("SIGKILL"));
  await sleep(500);
  t.deepEqual(await find(`redis://:hunter22@127.0.0.1:${port}`), []);
});

test("a forged job is refused, does nothing, and stops no other", async (t) => {
  const server = await startRedis();
  const redis = server.connect({ maxRetriesPerRequest: null });
  const store = createRedisStore(server.connect());
  await store.createApp("shop", "ann");
  const forger = new Queue("teal-work", { connection: redis });
  const honest = createQueue(redis);
  const worked: string[] = [];
  const taken: unknown[] = [];
  const consumer = consumeQueue(
    server.connect({ maxRetriesPerRequest: null }),
    async (app) => {
      worked.push(app);
      taken.push(await store.claim(app, "test", 1000));
    },
    { lockMs: 5000, stalledMs: 5000 },
  );
  t.teardown(async () => {
    await consumer.close();
    await forger.close();
    await honest.close();
    await server.stop();
  });
  const forged = [
    ...["", "..", "../../etc", "Shop", "shop; touch /tmp/x", "shop\nx", "*", "a".repeat(40)],
    ...[null, 7, true, ["shop"], { app: "shop" }, undefined],
  ];
  for (const app of forged) await forger.add("work", { app, command: "touch /tmp/x" });
  await forger.add("work", { app: "shop", kind: "push", image: "evil", release: 1, by: "admin" });
  await honest.wake("shop");
  await eventually(() => taken.length >= 2);
  await eventually(async () => (await forger.getFailedCount()) === forged.length);
  t.deepEqual(worked, ["shop", "shop"]);
  // What is to be done stands in the store, and there is nothing.
  t.deepEqual(taken, [null, null]);
  t.deepEqual(await store.listDeploys("shop", 10), []);
});
