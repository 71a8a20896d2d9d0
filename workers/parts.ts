import { hostname } from "node:os";
import { setTimeout } from "node:timers/promises";
import type { Redis } from "ioredis";
import { appUrl, defaultHost, idleUrl } from "../apps/address.ts";
import type { Settings } from "../apps/config.ts";
import { createCrashes } from "../apps/crashes.ts";
import { createDeployLog } from "../apps/deploy-log.ts";
import { createFaultPoints } from "../apps/fault-points.ts";
import { createGit } from "../apps/git.ts";
import type { Log } from "../apps/log.ts";
import { createRegistries } from "../apps/registries.ts";
import { openConfig, type Secrets } from "../apps/secrets.ts";
import { createRedisStore } from "../apps/store-redis.ts";
import type { RouterState } from "../apps/store.ts";
import type { Release } from "../apps/types.ts";
import { createWatches } from "../apps/watches.ts";
import { createConcealer } from "./conceal.ts";
import { createDockerEffects } from "./docker-effects.ts";
import { createDocker } from "./engine/client.ts";
import { createContainers } from "./engine/containers.ts";
import { createNetworks } from "./engine/network.ts";
import { createRunEngine } from "./engine/runs.ts";
import { createVolumes } from "./engine/volumes.ts";
import { createExecutor } from "./executor.ts";
import { afterPatience } from "./orphans.ts";
import { createLogs } from "./logs.ts";
import { createReaper } from "./reaper.ts";
import { createReconciler } from "./reconcile.ts";
import { createRouters } from "./routers.ts";
import { openLog } from "./say.ts";

interface Options {
  settings: Settings;
  secrets: Secrets;
  redis: Redis;
  /** A connection that only listens. */
  subscriber: Redis;
  log: Log;
}

export type Parts = Awaited<ReturnType<typeof createParts>>;

/** The parts of the worker process, each made once. None of them works by itself yet. */
export async function createParts({ settings, secrets, redis, subscriber, log }: Options) {
  const { namespace, drainMs, leaseMs } = settings;
  const id = `${hostname()}-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const store = createRedisStore(redis);
  const deployLog = createDeployLog(redis);
  const git = createGit({ reposDir: settings.paths.repos });
  const reach = createFaultPoints(process.env);
  const now = () => performance.now();
  const concealer = createConcealer();
  const docker = createDocker();
  const logs = createLogs({ settings, store, secrets, concealer, docker, log });

  const networks = createNetworks(docker, { namespace, pool: settings.networkPool });
  /** What containers are given; from now on it is masked. */
  const configOf = (release: Release) => {
    const config = openConfig(secrets, release);
    concealer.learn(release.app, Object.values(config));
    return config;
  };
  const volumes = createVolumes(docker, { namespace, roots: settings.storageRoots });
  const containers = createContainers(docker, networks, { namespace, configOf, volumes });
  const registries = createRegistries(redis, secrets);
  const effects = createDockerEffects({
    ...{ settings, redis, secrets, concealer, git, logs, registries, log },
    ...{ docker, networks, containers, volumes },
  });

  const routers = await createRouters({ subscriber, publish: (event) => store.publish(event) });
  const reaper = createReaper({ store, effects, drainMs, isGone, reach, now, log });
  const [watches, crashes] = [createWatches(redis), createCrashes(redis)];
  const executor = createExecutor({
    ...{ store, effects, routers, namespace, drainMs, reach, now, id, watches, crashes, leaseMs },
    pause: (ms) => setTimeout(ms),
    hostsOf: (app) => [defaultHost(app, settings)],
    urlOf: (app) => appUrl(app, settings),
    idleUrlOf: (app) => idleUrl(app, settings),
    log,
    openLog(deploy) {
      const conceal = (text: string) => concealer.conceal(deploy.app, text);
      return logs.noting(deploy, openLog(deployLog, deploy.id, log, conceal));
    },
    onRetired: (app) => reaper.reap(app),
  });
  const reconciler = createReconciler({
    ...{ store, effects, reaper, log },
    removeRepository: (app) => git.remove(app),
  });
  const work = afterPatience({ store, leaseMs, work: executor.work });
  return {
    ...{ id, store, deployLog, git, logs, docker, containers, effects, routers, now },
    ...{ watches, crashes, reaper, reconciler },
    executor: { work, close: executor.close },
    /** There is work for an app. What cannot be done now is found by the next round. */
    wake(app: string): void {
      work(app).catch((error) => log.debug({ app, error: String(error) }, "work put off"));
    },
    /** One-off commands, by people and by the clock. */
    commands: {
      ...{ store, namespace, log, notes: logs.notes },
      engine: createRunEngine(docker, networks, { namespace, configOf, volumes }),
      conceal(release: Release, text: string) {
        configOf(release);
        return concealer.conceal(release.app, text);
      },
    },
  };
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
