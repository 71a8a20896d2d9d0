import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Redis } from "ioredis";
import { appUrl, defaultHost, idleUrl } from "../apps/address.ts";
import { createCronBook } from "../apps/cron.ts";
import { createCrashes } from "../apps/crashes.ts";
import { readSettings, type Settings } from "../apps/config.ts";
import { createDeployLog } from "../apps/deploy-log.ts";
import { consumeErrands, createErrands } from "../apps/errands.ts";
import { createFaultPoints } from "../apps/fault-points.ts";
import { createFetcher, type Fetcher } from "../apps/fetcher.ts";
import { createGit, type Git } from "../apps/git.ts";
import { createGoneImages } from "../apps/gone-images.ts";
import { createLog, type Log } from "../apps/log.ts";
import { consumeQueue } from "../apps/queue.ts";
import { createOutward } from "../apps/outward.ts";
import { publicUrl } from "../apps/public-url.ts";
import { reportProcess } from "../apps/process-metrics.ts";
import { connectRedis } from "../apps/redis.ts";
import { createRegistries, type Registries } from "../apps/registries.ts";
import { loadSecrets, openConfig, type Secrets } from "../apps/secrets.ts";
import { checkRoom } from "../apps/room.ts";
import { createSenders } from "../apps/senders.ts";
import { createSeries } from "../apps/series.ts";
import { createRedisStore } from "../apps/store-redis.ts";
import type { RouterState } from "../apps/store.ts";
import { createTreeFetcher } from "../apps/tree-fetcher.ts";
import type { Release } from "../apps/types.ts";
import { createWatches } from "../apps/watches.ts";
import { createBases } from "./bases.ts";
import { createCronClock } from "./cron.ts";
import { createBuilder } from "./build.ts";
import { openDoor } from "./door.ts";
import { createDiskWatch } from "./disk-low.ts";
import { createEffects } from "./effects.ts";
import { type Concealer, createConcealer } from "./conceal.ts";
import { createBuildLimits } from "./engine/build-limits.ts";
import { createDocker } from "./engine/client.ts";
import { createContainers } from "./engine/containers.ts";
import { createImages } from "./engine/images.ts";
import { createNetworks } from "./engine/network.ts";
import { createEngineLook } from "./engine/look.ts";
import { createMetadataWall } from "./engine/metadata-wall.ts";
import { createVolumes } from "./engine/volumes.ts";
import { createUsage } from "./engine/usage.ts";
import { createStorage } from "./engine/storage.ts";
import { createExecutor } from "./executor.ts";
import { createLogs } from "./logs.ts";
import { createLook } from "./look.ts";
import { orderCertificates } from "./ordering.ts";
import { createCollector } from "./gc.ts";
import { createRunEngine } from "./engine/runs.ts";
import { processId } from "./process-id.ts";
import { createPrivateImages } from "./private-images.ts";
import { createReaper } from "./reaper.ts";
import { createReconciler } from "./reconcile.ts";
import { createRouters } from "./routers.ts";
import { listContents } from "./sbom-errand.ts";
import { createSampler } from "./sampler.ts";
import { createRuns } from "./runs.ts";
import { openLog } from "./say.ts";
import { createWatching } from "./watching.ts";

const GC_EVERY_MS = 3600_000;

await main(readSettings(), createLog("worker"));

/** The `worker` process: takes deploys from the queue, and keeps what runs equal to what is recorded. */
async function main(settings: Settings, log: Log): Promise<void> {
  const redis = connectRedis(settings, log);
  const blocking = connectRedis(settings, log, { wait: true });
  const subscriber = connectRedis(settings, log, { wait: true });
  const store = createRedisStore(redis);
  const deployLog = createDeployLog(redis);
  const git = createGit({ reposDir: settings.paths.repos });
  const reach = createFaultPoints(process.env);
  const now = () => performance.now();
  const { namespace, drainMs, leaseMs } = settings;

  const id = `${hostname()}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const secrets = await loadSecrets(settings.paths.secretKey);
  const concealer = createConcealer();
  const fetcher = createSourceFetcher(settings, redis, git, secrets);
  const logs = createLogs({ settings, store, secrets, concealer, log });
  const engine = createEngine(settings, secrets, concealer);
  const effects = createDockerEffects(settings, log, git, {
    ...{ engine, secrets, concealer, fetcher, logs },
    registries: createRegistries(redis, secrets),
  });
  const routers = await createRouters({ subscriber, publish: (event) => store.publish(event) });
  const reaper = createReaper({ store, effects, drainMs, isGone, reach, now, log });
  const watches = createWatches(redis);
  const crashes = createCrashes(redis);
  const executor = createExecutor({
    store,
    effects,
    routers,
    namespace,
    hostsOf: (app) => [defaultHost(app, settings)],
    urlOf: (app) => appUrl(app, settings),
    idleUrlOf: (app) => idleUrl(app, settings),
    drainMs,
    reach,
    now,
    ...{ id, watches, crashes },
    leaseMs,
    log,
    openLog(deploy) {
      const conceal = (text: string) => concealer.conceal(deploy.app, text);
      return logs.noting(deploy, openLog(deployLog, deploy.id, log, conceal));
    },
    onRetired: (app) => reaper.reap(app),
  });
  const reconciler = createReconciler({
    store,
    effects,
    reaper,
    removeRepository: (app) => git.remove(app),
    log,
  });

  const stopping = new AbortController();
  const { networkPool: pool, allowMetadata: allowed } = settings;
  const wall = createMetadataWall({ docker: engine.docker, namespace, pool, allowed, log });
  await wall.ensure();
  const walling = wall.run(stopping.signal);
  const work = async (app: string) => {
    await executor.work(app);
    const left = await store.getApp(app);
    if (left?.state === "destroying") await reconciler.reconcile();
  };
  const queue = consumeQueue(blocking, work, {
    lockMs: leaseMs,
    stalledMs: leaseMs / 2,
  });
  const rounds = keepRound(stopping.signal, leaseMs / 2, log, async () => {
    for (const app of await store.appsWithWork()) void executor.work(app).catch(() => {});
    await reconciler.reconcile();
  });
  const collecting = logs.collector.run(stopping.signal);
  const sampling = createSampler({
    ...{ store, routers, redis, id, now, log },
    usageOf: createUsage(createDocker()),
    series: createSeries(redis),
  }).run(stopping.signal);
  const ordering = orderCertificates({ settings, store, redis, secrets, id, log }, stopping.signal);
  const errands = createErrands(redis);
  void errands.schedule(GC_EVERY_MS).catch((error) => log.warn({ error: String(error) }, "no gc"));
  const storage = createStorage(createDocker(), namespace);
  const collect = createCollector({
    ...{ store, git, namespace, log, storage },
    goneImages: createGoneImages(redis),
    home: settings.home,
    workDir: settings.paths.work,
    buildCache: settings.buildCache,
    imageBudget: settings.imageBudget,
    lookAtDisk: createDiskWatch({ redis, store, log }),
  });
  const asked = consumeErrands(blocking, (errand) =>
    errand.kind === "gc" ? collect(errand) : listContents({ store, storage }, errand),
  );
  const commands = {
    ...{ store, namespace, log, notes: logs.notes },
    engine: createRunEngine(engine.docker, engine.networks, { namespace, ...engine }),
    conceal(release: Release, text: string) {
      engine.configOf(release);
      return concealer.conceal(release.app, text);
    },
  };
  const door = await openDoor({
    path: workerSocket(settings),
    runs: createRuns({ ...commands, process: processId() }),
    look: createLook({
      ...{ store, conceal: commands.conceal, hostOf: (app) => defaultHost(app, settings) },
      engine: createEngineLook(engine.docker, namespace),
      containers: createContainers(engine.docker, engine.networks, { namespace, ...engine }),
    }),
    log,
  });
  const ticking = createCronClock({
    ...commands,
    book: createCronBook(redis),
    remove: (name) => effects.removeContainer(name),
    now: () => Date.now(),
  }).run(stopping.signal);
  const watching = createWatching({
    ...{ id, namespace, leaseMs, store, watches, crashes, routers, deployLog, log },
    containers: createContainers(engine.docker, engine.networks, { namespace, ...engine }),
    hostOf: (app) => defaultHost(app, settings),
    notes: logs.notes,
    wake: (app) => void executor.work(app).catch(() => {}),
  });
  const reporting = reportProcess(redis, "worker", stopping.signal);
  log.info({ namespace }, "worker is ready");

  const stop = async () => {
    stopping.abort();
    await door.close();
    await queue.close();
    await asked.close();
    await errands.close();
    await watching.close();
    await reaper.close();
    await Promise.all([rounds, walling, collecting, ticking, sampling, reporting, ordering]);
    deployLog.close();
    redis.disconnect();
    blocking.disconnect();
    subscriber.disconnect();
    process.exit(0);
  };
  process.once("SIGTERM", () => void stop());
  process.once("SIGINT", () => void stop());
}

function createSourceFetcher(settings: Settings, redis: Redis, git: Git, secrets: Secrets) {
  const { paths, allowPrivate } = settings;
  return createFetcher({
    git,
    senders: createSenders(redis, secrets),
    outward: createOutward({ allowPrivate }),
    allowPrivate,
    workDir: paths.work,
    knownHosts: paths.knownHosts,
    caFile: settings.caFile,
  });
}

function createBuildpackFetcher({ paths, allowPrivate, caFile }: Settings, git: Git) {
  const outward = createOutward({ allowPrivate });
  const { work: workDir, knownHosts } = paths;
  return createTreeFetcher({ git, outward, workDir, knownHosts, caFile });
}

/** The engine, and what containers are given. */
function createEngine(settings: Settings, secrets: Secrets, concealer: Concealer) {
  const docker = createDocker();
  const { namespace, networkPool: pool } = settings;
  return {
    docker,
    networks: createNetworks(docker, { namespace, pool }),
    configOf(release: Release) {
      const config = openConfig(secrets, release);
      concealer.learn(release.app, Object.values(config));
      return config;
    },
  };
}

function workerSocket({ paths }: Settings): string {
  return join(paths.run, `worker-${process.env["TEAL_PROCESS_INDEX"] || "1"}.sock`);
}

interface Helpers {
  engine: ReturnType<typeof createEngine>;
  secrets: Secrets;
  concealer: Concealer;
  fetcher: Fetcher;
  logs: ReturnType<typeof createLogs>;
  registries: Registries;
}

function createDockerEffects(
  settings: Settings,
  log: Log,
  git: Git,
  {
    engine: { docker, networks, configOf },
    secrets,
    fetcher,
    logs,
    registries,
    concealer,
  }: Helpers,
) {
  const { namespace } = settings;
  const bounds = { memory: settings.buildMemory, cpus: settings.buildCpus };
  const storage = createStorage(docker, namespace);
  const limits = createBuildLimits(docker, bounds, log);
  const images = createImages(docker, { namespace, log, limits });
  const containers = createContainers(docker, networks, { namespace, configOf });
  const bases = createBases({ images, settings, log });
  const bring = createPrivateImages({ images, registries });
  return createEffects({
    git,
    fetcher,
    builder: createBuilder({
      ...{ images, bases, bring, settings },
      fetcher: createBuildpackFetcher(settings, git),
    }),
    images,
    registries,
    containers,
    networks,
    namespace,
    workDir: settings.paths.work,
    buildConcurrency: settings.buildConcurrency,
    deployTimeoutMs: settings.deployTimeoutMs,
    hostOf: (app) => defaultHost(app, settings),
    repositoryOf: (app) => `${publicUrl(settings)}/git/${app}.git`,
    seal: (app, name, value) => secrets.seal(app, name, value),
    async checkRoom() {
      await checkRoom([settings.paths.work, await storage.rootDir()]);
    },
    open(app, config) {
      const opened = openConfig(secrets, { app, config });
      concealer.learn(app, Object.values(opened));
      return opened;
    },
    collected: (id) => logs.collector.collected(id),
    removeLogs: logs.removeLogs,
    volumes: createVolumes(docker, namespace),
  });
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

/** A router on this machine is gone when its process is; one elsewhere when its report is no longer kept. */
function isGone(router: RouterState): boolean {
  if (router.host !== hostname()) return false;
  try {
    process.kill(router.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
