import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Access } from "../../apps/access.ts";
import { compose } from "../../apps/compose.ts";
import { createApi } from "../../apps/api/api.ts";
import type { ApiOptions } from "../../apps/api/route.ts";
import type { Audit } from "../../apps/audit.ts";
import type { Settings } from "../../apps/config.ts";
import type { CronBook } from "../../apps/cron.ts";
import { createDashboard } from "../../apps/dashboard/dashboard.ts";
import type { DashboardOptions } from "../../apps/dashboard/route.ts";
import type { DeployLog } from "../../apps/deploy-log.ts";
import type { Deploys } from "../../apps/deploys.ts";
import { createFront } from "../../apps/front.ts";
import type { Git } from "../../apps/git.ts";
import type { Log } from "../../apps/log.ts";
import type { Oidc } from "../../apps/oidc.ts";
import type { Crashes } from "../../apps/crashes.ts";
import type { Notifiers } from "../../apps/notifiers.ts";
import { createSecrets } from "../../apps/secrets.ts";
import type { Senders } from "../../apps/senders.ts";
import type { Series } from "../../apps/series.ts";
import type { NewRelease, Store } from "../../apps/store.ts";
import { otherColour, type Deploy, type Release } from "../../apps/types.ts";
import { startRedis, type TestRedis } from "./redis.ts";

export interface TestApi {
  /** `http://127.0.0.1:PORT` */
  url: string;
  port: number;
  options: ApiOptions;
  dashboardOptions: DashboardOptions;
  series: Series;
  store: Store;
  deploys: Deploys;
  deployLog: DeployLog;
  access: Access;
  audit: Audit;
  cron: CronBook;
  crashes: Crashes;
  senders: Senders;
  notifiers: Notifiers;
  git: Git;
  redis: TestRedis;
  /** The platform's folder of logs. */
  logs: string;
  /** What the platform's log was told, as JSON. */
  logged: string[];
  /** Secrets of tokens: an admin, one that may deploy shop, one that may read shop. */
  tokens: { admin: string; deploy: string; read: string; elsewhere: string };
  stop(): Promise<void>;
}

interface More extends Pick<ApiOptions, "rates">, Partial<Pick<Settings, "acme">> {
  /** Where people reach the dashboard, when not where it listens. */
  publicUrl?: string;
  /** An OpenID provider, told where the dashboard is. */
  oidc?: (publicUrl: string, log: Log) => Oidc | null;
}

/** The API and the dashboard over a private Redis, listening on a random port of the loopback. */
export async function startApi({ oidc, acme = null, ...more }: More = {}): Promise<TestApi> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  const logged: string[] = [];
  const redis = await startRedis();
  const connection = redis.connect({ maxRetriesPerRequest: 1 });
  const logs = mkdtempSync(join(tmpdir(), "teal-logs-"));
  const home = mkdtempSync(join(tmpdir(), "teal-api-"));
  const log = logInto(logged);
  const parts = compose({
    ...{ redis: connection, log, publicUrl: url },
    secrets: createSecrets(randomBytes(32)),
    settings: {
      ...{ domain: "teal.test", routerPort: 8080, acme, oidc: null, allowPrivate: true },
      ...{ storageRoots: [tmpdir()], appLogBytes: 64 * 1024 * 1024 },
      paths: { logs, run: join(logs, "run"), repos: home },
    },
    // Nobody works here: records are what these tests look at.
    queue: { wake: async () => {} },
    oidc: oidc?.(url, log) ?? null,
    ...more,
  });
  const { store, deploys, deployLog, access, audit, senders, notifiers, git, series } = parts;
  const { webhooks, cron, crashes } = parts;
  const front = createFront({
    ...{ first: [webhooks.handle], log },
    api: createApi(parts.forApi).callback(),
    dashboard: createDashboard(parts.forDashboard).callback(),
  });
  server.on("request", front);
  const token = async (name: string, role: "admin" | "deploy" | "read", apps: "*" | string[]) =>
    (await access.createToken({ name, role, apps })).secret;
  return {
    url,
    port,
    options: parts.forApi,
    dashboardOptions: parts.forDashboard,
    series,
    store,
    deploys,
    deployLog,
    access,
    audit,
    cron,
    crashes,
    senders,
    notifiers,
    git,
    redis,
    logs,
    logged,
    tokens: {
      admin: await token("ann", "admin", "*"),
      deploy: await token("dora", "deploy", ["shop"]),
      read: await token("rea", "read", ["shop"]),
      elsewhere: await token("eve", "deploy", ["other"]),
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await parts.close();
      await redis.stop();
      rmSync(logs, { recursive: true, force: true });
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function logInto(lines: string[]): Log {
  const write =
    (level: string) =>
    (...args: unknown[]) =>
      void lines.push(JSON.stringify([level, ...args]));
  return { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

/** Takes the app's queued deploy to live, as a worker would, without anything that runs. */
export async function goLive(
  store: Store,
  app: string,
  asked: Deploy,
  more: Partial<NewRelease> = {},
): Promise<Release> {
  const taken = await store.claim(app, "test", 10_000);
  if (!taken || taken.deploy.id !== asked.id)
    throw new Error(`${asked.id} was not the next deploy of ${app}`);
  const { claim, deploy } = taken;
  const before = await store.getApp(app);
  const colour = before?.live ? otherColour(before.live.colour) : "blue";
  const release = await store.createRelease(claim, { ...releaseOf(deploy), ...more });
  const id = `teal-${deploy.id}-web-1`;
  const wish = {
    id,
    deploy: deploy.id,
    release: release.n,
    colour,
    process: "web",
    index: 1,
  } as const;
  await store.recordInstances(claim, [wish]);
  await store.advanceInstance(claim, id, "started", { host: "127.0.0.1", port: 5000 });
  await store.advanceInstance(claim, id, "healthy");
  const swap = `swap-${deploy.id}`;
  await store.prepareSwap(claim, deploy.id, swap, { commitMs: 5000, holdMs: 1000 });
  await store.commitSwap(claim, {
    id: swap,
    deploy: deploy.id,
    release: release.n,
    colour,
    startedBy: deploy.id,
    targets: [id],
    expectedVersion: before?.routeVersion ?? 0,
    hosts: [`${app}.teal.test`],
    drainMs: 1000,
  });
  await store.finishDeploy(claim, deploy.id, "live");
  await store.release(claim);
  return release;
}

/** A release as a push of a plain app makes it. */
export function releaseOf(deploy: Deploy): NewRelease {
  return {
    deploy: deploy.id,
    kind: deploy.kind,
    commit: deploy.commit ?? "0".repeat(40),
    image: `sha256:${"1".repeat(64)}`,
    imageBytes: 1_000_000,
    processes: { web: "node server.js" },
    formation: { web: 1 },
    port: 5000,
    by: deploy.by,
    why: deploy.why,
    ...(deploy.toRelease === undefined ? {} : { rollbackOf: deploy.toRelease }),
  };
}

/** Takes the app's queued deploy, makes its release, and fails it. */
export async function goWrong(store: Store, app: string, error: string): Promise<void> {
  const taken = await store.claim(app, "test", 10_000);
  if (!taken) throw new Error(`${app} has nothing queued`);
  await store.createRelease(taken.claim, releaseOf(taken.deploy));
  await store.finishDeploy(taken.claim, taken.deploy.id, "failed", error);
  await store.release(taken.claim);
}

/** A push's intent. */
export function pushOf(app: string, commit: string, why = "push to main") {
  return {
    app,
    kind: "push",
    commit: commit.padEnd(40, "0"),
    ref: "refs/heads/main",
    by: "ann",
    why,
  } as const;
}
