import { stat, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Acme, Attempt } from "./acme.ts";
import { appLogDir, readLogName } from "./app-log-files.ts";
import type { AppLook } from "./app-look.ts";
import type { Certificates } from "./certificates.ts";
import type { Settings } from "./config.ts";
import type { Crash, Crashes } from "./crashes.ts";
import { isTealError } from "./errors.ts";
import { isGone, type GoneImages } from "./gone-images.ts";
import type { Watch } from "./guard.ts";
import { readRouters, type RouterFacts, routerFactsOf } from "./router-sockets.ts";
import { type Answers, answersOf, type Sample, type Series } from "./series.ts";
import type { RouterState, Store } from "./store.ts";
import type { App, AppSettings, Deploy } from "./types.ts";
import { type InstanceView, viewInstances, viewReleases } from "./views.ts";
import type { Watches } from "./watches.ts";
import type { WorkerDoor } from "./worker-door.ts";

/** All that is known of an app at one moment. Times are ms since the epoch. */
export interface AppFacts {
  app: App;
  settings: AppSettings;
  at: number;
  instances: InstanceView[];
  /** What a worker saw; null: none answered in time. */
  look: AppLook | null;
  /** Of the last hour, oldest first. */
  crashes: Crash[];
  /** Of the live colour, of late; null: nothing was asked of it. */
  traffic: RecentTraffic | null;
  /** In the same time, by instance id: those that were asked for something, of any colour. */
  answers: Record<string, Answers>;
  routers: RouterFacts;
  /** Routers that still route by an older version of the app's route. */
  behind: string[];
  domains: { host: string; routed: boolean; owner: string | null }[];
  certificates: { id: string; names: string[]; source: "own" | "acme"; notAfter: number }[];
  /** Orders of certificates that failed. */
  attempts: Pick<Attempt, "host" | "failures" | "error">[];
  /** Names of config that the live release does not have yet. */
  staged: string[];
  lastDeploy: Deploy | null;
  /** The newest watch of the guard. */
  watch: Watch | null;
  /** Releases that cannot be started: their images are not here. */
  gone: number[];
  /** Bytes. */
  logs: { used: number; budget: number };
}

export interface RecentTraffic {
  seconds: number;
  requests: number;
  /** Answers of 5xx, and requests without an answer. */
  errors: number;
  /** ms to the answer's head, as they were last. */
  p50?: number;
  p99?: number;
}

export interface FactSources {
  store: Store;
  workers: Pick<WorkerDoor, "ask">;
  series: Pick<Series, "read">;
  certificates: Pick<Certificates, "list">;
  acme: Pick<Acme, "attempts">;
  crashes: Pick<Crashes, "list">;
  watches: Pick<Watches, "get">;
  goneImages: Pick<GoneImages, "of">;
  settings: { paths: Pick<Settings["paths"], "run" | "logs"> } & Pick<Settings, "appLogBytes">;
}

const HOUR_MS = 3600_000;
/** Who asks what is wrong waits for no worker that restarts or hangs. A look takes some seconds. */
const TIMES = { patienceMs: 1000, answerMs: 9000 };
/** What was answered in this time is of late. */
export const RECENT_MS = 5 * 60_000;

/** Asks everybody who knows something of an app. Takes some seconds. @throws store-unavailable */
export async function readAppFacts(sources: FactSources, app: App): Promise<AppFacts> {
  const { store, settings: platform } = sources;
  const { name } = app;
  const at = Date.now();
  const [look, texts, settings, route, routers, crashes, found] = await Promise.all([
    askWorker(sources, name),
    readRouters(platform.paths.run),
    store.getSettings(name),
    store.getRoute(name),
    store.routers(),
    sources.crashes.list(name, at - HOUR_MS),
    store.listInstances(name),
  ]);
  const [releases, owners, missing] = await Promise.all([
    store.listReleases(name).then((all) => viewReleases(app, all, sources)),
    store.hostOwners(settings.domains),
    sources.goneImages.of(name),
  ]);
  const samples = await sources.series.read(name, Math.max(at - RECENT_MS, app.live?.since ?? 0));
  const [lastDeploy = null] = await store.listDeploys(name, 1);
  return {
    ...{ app, settings, at, look, crashes, lastDeploy },
    instances: viewInstances(app, found, { crashes, rests: settings.options.stopped === true }),
    traffic: recentTraffic(samples, app),
    answers: Object.fromEntries(
      found.flatMap(({ id }) => {
        const answers = answersOf(samples, id);
        return answers.requests > 0 ? [[id, answers]] : [];
      }),
    ),
    routers: routerFactsOf(name, texts),
    behind: behindOf(name, route?.version ?? 0, routers),
    domains: settings.domains.map((host, i) => ({
      host,
      routed: route?.hosts.includes(host) ?? false,
      owner: owners[i] ?? null,
    })),
    certificates: await sources.certificates.list(name),
    attempts: await sources.acme.attempts(name),
    staged: Object.keys(settings.staged).toSorted(),
    watch: await sources.watches.get(name),
    gone: releases
      .filter((one) => one.status === "gone" || (one.colour !== null && isGone(missing, one)))
      .map(({ n }) => n),
    logs: {
      used: await bytesOf(appLogDir(platform.paths.logs, name)),
      budget: platform.appLogBytes,
    },
  };
}

/** Null when no worker answers: that is a finding, and no reason to find nothing else. */
export async function askWorker(
  { workers }: Pick<FactSources, "workers">,
  app: string,
): Promise<AppLook | null> {
  try {
    return await workers.ask<AppLook>("POST", "/look", { app }, TIMES);
  } catch (error) {
    if (isTealError(error, "no-worker", "no-engine")) return null;
    throw error;
  }
}

function recentTraffic(samples: Sample[], { live }: App): RecentTraffic | null {
  if (!live) return null;
  const seen = samples.flatMap(({ colours, seconds }) => {
    const traffic = colours[live.colour];
    return traffic ? [{ ...traffic, seconds }] : [];
  });
  if (seen.length === 0) return null;
  const sum = (of: (one: (typeof seen)[number]) => number) =>
    seen.reduce((total, one) => total + of(one), 0);
  const timed = seen.findLast(({ p99 }) => p99 !== undefined);
  return {
    seconds: sum(({ seconds }) => seconds),
    requests: sum(({ requests }) => requests),
    errors: sum(({ errors }) => errors),
    ...(timed?.p50 !== undefined && { p50: timed.p50 }),
    ...(timed?.p99 !== undefined && { p99: timed.p99 }),
  };
}

function behindOf(app: string, version: number, routers: RouterState[]): string[] {
  const late = routers.filter((it) => !it.expired && (it.acks[app] ?? 0) < version);
  return late.map(({ id }) => id);
}

async function bytesOf(dir: string): Promise<number> {
  const names = (await readdir(dir).catch(() => [])).filter((name) => readLogName(name));
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(dir, name)).catch(() => null))?.size ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
