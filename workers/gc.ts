import { readdir, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Collected, Removal } from "../apps/errands.ts";
import type { Git } from "../apps/git.ts";
import type { Gone, GoneImages } from "../apps/gone-images.ts";
import { isOld, sizeOf } from "../apps/git-sweep.ts";
import type { Log } from "../apps/log.ts";
import { deploysOf } from "../apps/retention-facts.ts";
import { neededReleases, retainedReleases, retentionLimits } from "../apps/retention.ts";
import type { Store } from "../apps/store.ts";
import type { App } from "../apps/types.ts";
import type { EngineStorage } from "./engine/storage.ts";
import { withinBudget } from "./gc-budget.ts";
import { type AppRecord, type FoundImage, planImages } from "./gc-plan.ts";

interface Options {
  store: Pick<
    Store,
    "listApps" | "listReleases" | "listDeploys" | "listInstances" | "getDeploy" | "getSettings"
  >;
  goneImages: Pick<GoneImages, "record">;
  storage: EngineStorage;
  git: Pick<Git, "sweep" | "repositories" | "remove">;
  namespace: string;
  home: string;
  workDir: string;
  /** Bytes of build cache that are kept; null: it is left alone. */
  buildCache: number | null;
  /** Bytes that the images of releases may take; null: as many as are retained. */
  imageBudget: number | null;
  /** Told of the free bytes that are left. */
  lookAtDisk(freeBytes: number): Promise<void>;
  log: Pick<Log, "info" | "warn">;
}

const KEPT_DEPLOYS = 200;

/**
 * Collects what nothing refers to any more. Only what carries this platform's label, namespace or
 * folder is looked at; the engine's build cache, which does not say whose it is, only with a budget.
 */
export function createCollector(options: Options) {
  const { store, storage, git, namespace, workDir, buildCache, log } = options;

  return async function collect({ dryRun }: { dryRun: boolean }): Promise<Collected> {
    const now = Date.now();
    const freeBefore = await freeBytes(options.home);
    const failed: string[] = [];
    // In this order: an image's deploy is on record before its image is here.
    const images = await storage.images();
    const all = await Promise.all((await store.listApps()).map((app) => recordOf(app, now)));
    const apps = await fitted(all, images);
    const removed = planImages({ namespace, images, apps, now });
    for (const { name } of dryRun ? [] : removed)
      await storage.remove(name).catch((error: Error) => failed.push(`${name}: ${error.message}`));
    removed.push(...(await cache(dryRun)));
    removed.push(...(await sources(apps, dryRun, now)));
    removed.push(...(await scratch(dryRun, now)));
    if (!dryRun) await recordGone(apps, now);
    const gone = new Set(removed.map(({ name }) => name));
    const left = images.filter(
      ({ id, tags }) => !gone.has(id) && !(tags.length > 0 && tags.every((tag) => gone.has(tag))),
    );
    const report: Collected = {
      dryRun,
      removed,
      failed,
      kept: {
        images: left.length,
        imageBytes: left.reduce((sum, { bytes }) => sum + bytes, 0),
        cacheBytes: await storage.cacheBytes(),
      },
      freeBefore,
      freeAfter: await freeBytes(options.home),
    };
    if (!dryRun) await options.lookAtDisk(report.freeAfter);
    if (!dryRun && removed.length > 0)
      log.info({ removed: removed.length, failed: failed.length }, "garbage collected");
    return report;
  };

  async function recordOf(app: App, now: number): Promise<AppRecord> {
    const { name } = app;
    const [all, instances, { options: told }] = await Promise.all([
      store.listReleases(name),
      store.listInstances(name),
      store.getSettings(name),
    ]);
    const deploys = await deploysOf(store, name, all);
    const limits = retentionLimits(told.retention);
    const kept = retainedReleases({ app, releases: all, deploys, limits, now });
    const always = neededReleases({ app, releases: all, deploys });
    const releases = all.map((one) => ({
      ...one,
      retained: kept.has(one.n),
      needed: always.has(one.n),
    }));
    return { name, releases, deploys, running: instances.map(({ deploy }) => deploy) };
  }

  async function fitted(apps: AppRecord[], images: FoundImage[]): Promise<AppRecord[]> {
    const { imageBudget: budget } = options;
    if (budget === null) return apps;
    return withinBudget({ apps, images, shared: await storage.sharedBytes(), budget });
  }

  /** Also what others removed behind the platform's back. */
  async function recordGone(apps: AppRecord[], at: number): Promise<void> {
    const here = new Set((await storage.images()).map(({ id }) => id));
    const found = new Map<string, Gone>();
    for (const { name, releases } of apps) {
      const missing = releases.map(({ image }) => image).filter((image) => !here.has(image));
      found.set(name, { at, images: [...new Set(missing)] });
    }
    await options.goneImages.record(found);
  }

  async function cache(dryRun: boolean): Promise<Removal[]> {
    if (buildCache === null) return [];
    const bytes = await storage.cacheBytes();
    const over = bytes - buildCache;
    if (over <= 0) return [];
    const went = dryRun ? over : await storage.pruneCache(buildCache);
    return [
      { kind: "cache", name: "build cache", why: "it is over TEAL_BUILD_CACHE", bytes: went },
    ];
  }

  /** What pushes and destroyed apps left in the repositories. */
  async function sources(apps: AppRecord[], dryRun: boolean, now: number): Promise<Removal[]> {
    const known = new Map(apps.map((app) => [app.name, app]));
    const removals: Removal[] = [];
    for (const { app, dir } of await git.repositories()) {
      if (known.has(app)) {
        const commits = await neededCommits(app);
        for (const one of await git.sweep(app, commits, dryRun))
          removals.push({ kind: "source", ...one, name: `${app}: ${one.name}` });
        continue;
      }
      // A push of an unknown app makes its repository before its app.
      if (!(await isOld(dir, now))) continue;
      const bytes = await sizeOf(dir);
      removals.push({ kind: "source", name: `${app}.git`, why: `there is no app ${app}`, bytes });
      if (!dryRun) await git.remove(app);
    }
    return removals;
  }

  async function neededCommits(app: string): Promise<Set<string>> {
    const releases = await store.listReleases(app);
    const deploys = await store.listDeploys(app, KEPT_DEPLOYS);
    return new Set([...releases, ...deploys].flatMap(({ commit }) => commit ?? []));
  }

  /** Working folders that a killed process left. */
  async function scratch(dryRun: boolean, now: number): Promise<Removal[]> {
    const removals: Removal[] = [];
    for (const name of await readdir(workDir).catch(() => [])) {
      const path = join(workDir, name);
      const deploy = /^([a-z][a-z0-9-]*-\d+)-\w{6}$/.exec(name)?.[1];
      const found = deploy === undefined ? null : await store.getDeploy(deploy);
      if (found?.state === "running" || found?.state === "queued") continue;
      if (!(await isOld(path, now))) continue;
      removals.push({
        kind: "scratch",
        name,
        why: "nothing works there",
        bytes: await sizeOf(path),
      });
      if (!dryRun) await rm(path, { recursive: true, force: true });
    }
    return removals;
  }
}

async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}
