import type { Redis } from "ioredis";
import { defaultHost } from "../apps/address.ts";
import type { Settings } from "../apps/config.ts";
import { createFetcher } from "../apps/fetcher.ts";
import type { Git } from "../apps/git.ts";
import type { Log } from "../apps/log.ts";
import { createOutward } from "../apps/outward.ts";
import { publicUrl } from "../apps/public-url.ts";
import type { Registries } from "../apps/registries.ts";
import { checkRoom } from "../apps/room.ts";
import { openConfig, type Secrets } from "../apps/secrets.ts";
import { createSenders } from "../apps/senders.ts";
import { createTreeFetcher } from "../apps/tree-fetcher.ts";
import { createBases } from "./bases.ts";
import { createBuilder } from "./build.ts";
import type { Concealer } from "./conceal.ts";
import { createEffects } from "./effects.ts";
import { createBuildLimits } from "./engine/build-limits.ts";
import type { createDocker } from "./engine/client.ts";
import type { createContainers } from "./engine/containers.ts";
import { createImages } from "./engine/images.ts";
import type { createNetworks } from "./engine/network.ts";
import { createStorage } from "./engine/storage.ts";
import type { createVolumes } from "./engine/volumes.ts";
import type { createLogs } from "./logs.ts";
import { createPrivateImages } from "./private-images.ts";

interface Options {
  settings: Settings;
  redis: Redis;
  secrets: Secrets;
  concealer: Concealer;
  git: Git;
  logs: ReturnType<typeof createLogs>;
  registries: Registries;
  docker: ReturnType<typeof createDocker>;
  networks: ReturnType<typeof createNetworks>;
  containers: ReturnType<typeof createContainers>;
  volumes: ReturnType<typeof createVolumes>;
  log: Log;
}

/** What deploys do to the world, on this machine's engine. */
export function createDockerEffects(options: Options) {
  const { settings, secrets, concealer, git, logs, registries, docker, log } = options;
  const { namespace } = settings;
  const bounds = { memory: settings.buildMemory, cpus: settings.buildCpus };
  const storage = createStorage(docker, namespace);
  const limits = createBuildLimits(docker, bounds, log);
  const images = createImages(docker, { namespace, log, limits });
  const bases = createBases({ images, settings, log });
  const bring = createPrivateImages({ images, registries });
  const fetchers = createFetchers(options);
  return createEffects({
    ...{ git, images, registries, namespace, fetcher: fetchers.sources },
    ...{ containers: options.containers, networks: options.networks },
    builder: createBuilder({ images, bases, bring, settings, fetcher: fetchers.buildpacks }),
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
    volumes: options.volumes,
  });
}

/** What is fetched from elsewhere: commits and archives of apps, and classic buildpacks. */
function createFetchers({ settings, redis, secrets, git }: Options) {
  const { paths, allowPrivate, caFile } = settings;
  const outward = createOutward({ allowPrivate });
  const how = { git, outward, workDir: paths.work, knownHosts: paths.knownHosts, caFile };
  return {
    sources: createFetcher({ ...how, allowPrivate, senders: createSenders(redis, secrets) }),
    buildpacks: createTreeFetcher(how),
  };
}
