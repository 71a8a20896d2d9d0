import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Redis } from "ioredis";
import { defaultHost } from "../apps/address.ts";
import { readSettings, type Settings } from "../apps/config.ts";
import { createCronBook } from "../apps/cron.ts";
import { consumeErrands, createErrands, type Errands } from "../apps/errands.ts";
import { createGoneImages } from "../apps/gone-images.ts";
import { createLeases } from "../apps/leases.ts";
import { createLog, type Log } from "../apps/log.ts";
import { reportProcess } from "../apps/process-metrics.ts";
import { consumeQueue } from "../apps/queue.ts";
import { connectRedis } from "../apps/redis.ts";
import { loadSecrets, type Secrets } from "../apps/secrets.ts";
import { createSeries } from "../apps/series.ts";
import { createCronClock } from "./cron.ts";
import { createDiskWatch } from "./disk-low.ts";
import { openDoor } from "./door.ts";
import { createEngineLook } from "./engine/look.ts";
import { createMetadataWall } from "./engine/metadata-wall.ts";
import { createStorage } from "./engine/storage.ts";
import { createUsage } from "./engine/usage.ts";
import { createCollector } from "./gc.ts";
import { createLook } from "./look.ts";
import { orderCertificates } from "./ordering.ts";
import { createParts, type Parts } from "./parts.ts";
import { processId } from "./process-id.ts";
import { createRuns } from "./runs.ts";
import { createSampler } from "./sampler.ts";
import { listContents } from "./sbom-errand.ts";
import { createWatching } from "./watching.ts";

const GC_EVERY_MS = 3600_000;
const GC_TRY_MS = 10_000;
/** From SIGTERM to the end. */
const LATEST_MS = 10_000;

/** What all that the process does stands on. */
interface Floor {
  settings: Settings;
  secrets: Secrets;
  redis: Redis;
  /** For what waits for jobs. */
  blocking: Redis;
  parts: Parts;
  log: Log;
}

/** Works until it is closed; what it has begun it ends, or leaves to another worker. */
interface Work {
  close(): Promise<unknown>;
}

await main(readSettings(), createLog("worker"));

/** The `worker` process: takes deploys from the queue, and keeps what runs equal to what is recorded. */
async function main(settings: Settings, log: Log): Promise<void> {
  const redis = connectRedis(settings, log);
  const blocking = connectRedis(settings, log, { wait: true });
  const subscriber = connectRedis(settings, log, { wait: true });
  const secrets = await loadSecrets(settings.paths.secretKey);
  const parts = await createParts({ settings, secrets, redis, subscriber, log });
  const floor: Floor = { settings, secrets, redis, blocking, parts, log };
  const stopping = new AbortController();

  const wall = wallOf(floor);
  // Before anything of an app runs.
  await wall.ensure();
  const kept = [wall.run(stopping.signal), ...keepAll(floor, stopping.signal)];
  const work: Work[] = [
    await answerPeople(floor),
    takeDeploys(floor),
    runErrands(floor, stopping.signal),
    watchWhatRuns(floor),
    parts.reaper,
  ];
  log.info({ namespace: settings.namespace }, "worker is ready");

  const stop = async () => {
    // A store that does not answer keeps nobody for long; the supervisor's patience is longer.
    void setTimeout(LATEST_MS, undefined, { ref: false }).then(() => process.exit(1));
    stopping.abort();
    parts.executor.close();
    for (const one of work) await one.close();
    await Promise.all(kept);
    parts.deployLog.close();
    for (const connection of [redis, blocking, subscriber]) connection.disconnect();
    process.exit(0);
  };
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
}

function takeDeploys({ settings: { leaseMs }, blocking, parts }: Floor): Work {
  const { executor, reconciler, store } = parts;
  const work = async (app: string) => {
    await executor.work(app);
    const left = await store.getApp(app);
    if (left?.state === "destroying") await reconciler.reconcile();
  };
  return consumeQueue(blocking, work, { lockMs: leaseMs, stalledMs: leaseMs / 2 });
}

/** What goes on from now until the signal. */
function keepAll(floor: Floor, signal: AbortSignal): Promise<unknown>[] {
  const { settings, secrets, redis, parts, log } = floor;
  const { store, routers, wake, reconciler, effects, id, now } = parts;
  const rounds = keepRound(signal, settings.leaseMs / 2, log, async () => {
    for (const app of await store.appsWithWork()) wake(app);
    await reconciler.reconcile();
  });
  const sampler = createSampler({
    ...{ store, routers, id, now, log, leases: createLeases(redis) },
    usageOf: createUsage(parts.docker),
    series: createSeries(redis),
  });
  const clock = createCronClock({
    ...parts.commands,
    book: createCronBook(redis),
    remove: (name) => effects.removeContainer(name),
    now: () => Date.now(),
  });
  return [
    rounds,
    parts.logs.collector.run(signal),
    sampler.run(signal),
    clock.run(signal),
    orderCertificates({ settings, store, redis, secrets, id, log }, signal),
    reportProcess(redis, "worker", signal),
  ];
}

/** Garbage every hour, and what people ask for that takes long. */
function runErrands({ settings, redis, blocking, parts, log }: Floor, signal: AbortSignal): Work {
  const { store, docker, git } = parts;
  const { namespace, home, paths, buildCache, imageBudget } = settings;
  const errands = createErrands(redis);
  void scheduleGc(errands, log, signal);
  const storage = createStorage(docker, namespace);
  const collect = createCollector({
    ...{ store, git, namespace, log, storage, home, buildCache, imageBudget },
    goneImages: createGoneImages(redis),
    workDir: paths.work,
    lookAtDisk: createDiskWatch({ redis, store, log }),
  });
  const asked = consumeErrands(blocking, (errand) =>
    errand.kind === "gc" ? collect(errand) : listContents({ store, storage }, errand),
  );
  return {
    async close() {
      await asked.close();
      await errands.close();
    },
  };
}

/** Until it is on record: a store that is away comes back. */
async function scheduleGc(errands: Errands, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await errands.schedule(GC_EVERY_MS);
    } catch (error) {
      log.warn({ error: String(error) }, "garbage is not collected by the clock yet");
      await setTimeout(GC_TRY_MS, undefined, { signal }).catch(() => {});
    }
  }
}

/** The socket by which the web process of this machine asks for what only a worker can do at once. */
async function answerPeople({ settings, parts, log }: Floor): Promise<Work> {
  const { store, docker, containers, commands } = parts;
  const index = process.env["TEAL_PROCESS_INDEX"] || "1";
  return openDoor({
    path: join(settings.paths.run, `worker-${index}.sock`),
    runs: createRuns({ ...commands, process: processId() }),
    look: createLook({
      ...{ store, containers, conceal: commands.conceal },
      hostOf: (app) => defaultHost(app, settings),
      engine: createEngineLook(docker, settings.namespace),
    }),
    log,
  });
}

/** Guard, crashes, and checks of what is live. */
function watchWhatRuns({ settings, parts, log }: Floor): Work {
  const { id, store, watches, crashes, routers, deployLog, docker, containers, wake } = parts;
  const { namespace, leaseMs } = settings;
  return createWatching({
    ...{ id, namespace, leaseMs, store, watches, crashes, routers, deployLog },
    ...{ docker, containers, wake, log },
    hostOf: (app) => defaultHost(app, settings),
    notes: parts.logs.notes,
  });
}

function wallOf({ settings, parts: { docker }, log }: Floor) {
  const { namespace, networkPool: pool, allowMetadata: allowed } = settings;
  return createMetadataWall({ docker, namespace, pool, allowed, log });
}

/** Runs `round` at once and then every `everyMs`, until the signal. */
async function keepRound(
  signal: AbortSignal,
  everyMs: number,
  log: Log,
  round: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await round().catch((error) => log.warn({ error: String(error) }, "reconciliation put off"));
    await setTimeout(everyMs, undefined, { signal }).catch(() => {});
  }
}
