import { createWebhooks } from "../hooks/webhook.ts";
import type { Redis } from "ioredis";
import { createAccess } from "./access.ts";
import { createAcme } from "./acme.ts";
import { createInside } from "./api/inside.ts";
import { createOnce } from "./api/once.ts";
import type { ApiOptions } from "./api/route.ts";
import { createAppLogs } from "./app-logs.ts";
import { createAudit } from "./audit.ts";
import { createCertificates } from "./certificates.ts";
import type { Settings } from "./config.ts";
import { createCrashes } from "./crashes.ts";
import { createCronBook } from "./cron.ts";
import type { DashboardOptions } from "./dashboard/route.ts";
import { createDeployLog } from "./deploy-log.ts";
import { createDeploys } from "./deploys.ts";
import { createDiagnoses } from "./diagnoses.ts";
import { createErrands } from "./errands.ts";
import { createGit } from "./git.ts";
import { createGoneImages } from "./gone-images.ts";
import type { Log } from "./log.ts";
import { createNews } from "./news.ts";
import { createNotifiers } from "./notifiers.ts";
import type { Oidc } from "./oidc.ts";
import type { WorkQueue } from "./queue.ts";
import { createRegistries } from "./registries.ts";
import type { Secrets } from "./secrets.ts";
import { createSenders } from "./senders.ts";
import { createSeries } from "./series.ts";
import { createSpent } from "./spent.ts";
import { createRedisStore } from "./store-redis.ts";
import { createWatches } from "./watches.ts";
import { createWorkerDoor } from "./worker-door.ts";

interface Options {
  redis: Redis;
  secrets: Secrets;
  settings: ApiOptions["settings"] &
    Pick<Settings, "allowPrivate"> & { paths: Pick<Settings["paths"], "repos"> };
  queue: Pick<WorkQueue, "wake">;
  reach?: (step: string) => void;
  log: Log;
  /** Where people reach the dashboard, without a slash at its end. */
  publicUrl: string;
  oidc: Oidc | null;
  rates?: ApiOptions["rates"];
}

/** The parts of the web process, each made once, and what its servers stand on. The caller owns `redis` and the queue. */
export function compose({ redis, secrets, settings, queue, reach, log, ...outside }: Options) {
  const store = createRedisStore(redis);
  const senders = createSenders(redis, secrets);
  const audit = createAudit(redis, log);
  const deploys = createDeploys({ store, queue, ...(reach && { reach }) });
  const deployLog = createDeployLog(redis);
  const errands = createErrands(redis);
  const news = createNews(redis);
  const webhooks = createWebhooks({ store, senders, deploys, audit, log });
  const floor = {
    ...{ store, deploys, deployLog, audit, secrets, senders, webhooks, errands, settings, log },
    access: createAccess(redis),
    acme: createAcme(redis, secrets),
    appLogs: createAppLogs(settings.paths),
    certificates: createCertificates(redis, secrets),
    crashes: createCrashes(redis),
    cron: createCronBook(redis),
    git: createGit({ reposDir: settings.paths.repos }),
    goneImages: createGoneImages(redis),
    notifiers: createNotifiers(redis, secrets, settings),
    registries: createRegistries(redis, secrets),
    series: createSeries(redis),
    watches: createWatches(redis),
    workers: createWorkerDoor(settings.paths),
  };
  const { rates, oidc, publicUrl } = outside;
  const closing = new AbortController();
  const { signal } = closing;
  const forApi: ApiOptions = {
    ...{ ...floor, publicUrl, once: createOnce(redis) },
    ...(rates && { rates }),
  };
  const forDashboard: DashboardOptions = {
    ...{ ...floor, news, oidc, publicUrl },
    spent: createSpent(redis),
    diagnoses: createDiagnoses({ sources: floor, news, signal, log }),
    ask: createInside(forApi),
  };
  return {
    ...floor,
    forApi,
    forDashboard,
    /** Ends what listens beside `redis`. */
    async close(): Promise<void> {
      closing.abort();
      deployLog.close();
      audit.close();
      news.close();
      await errands.close().catch(() => {});
    },
  };
}
