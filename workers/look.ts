import { lstat, readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { AppLook, CheckLook, DiskLook, InstanceLook } from "../apps/app-look.ts";
import { describeCheck, type HealthCheck } from "../apps/checks.ts";
import type { Mount } from "../apps/mounts.ts";
import type { Store } from "../apps/store.ts";
import type { Instance, Release } from "../apps/types.ts";
import { startChecks } from "./check.ts";
import type { EngineLook } from "./engine/look.ts";
import { attempt, type Prober } from "./health.ts";

interface Options {
  store: Pick<Store, "getApp" | "getRelease" | "listInstances">;
  engine: EngineLook;
  containers: Prober["containers"];
  hostOf(app: string): string;
  /** The text without what is secret in the release. */
  conceal(release: Release, text: string): string;
}

/** Of one try of a check. */
const MOST_TRY_MS = 3000;
/** What is kept in a volume is counted for so long, ms. */
const COUNT_MS = 2000;

/**
 * Looks at all that runs of an app, once: takes a second or some. Each check is tried from outside,
 * as in a deploy. Changes nothing. @throws no-engine
 */
export function createLook({ store, engine, containers, hostOf, conceal }: Options) {
  async function lookAt(instance: Instance): Promise<InstanceLook> {
    const { id, app } = instance;
    const [container, release] = await Promise.all([
      engine.container(id, app),
      store.getRelease(app, instance.release),
    ]);
    const asked = container?.running && release && instance.host !== undefined;
    const checks = asked ? await tryChecks(instance, release) : [];
    return { id, container, checks };
  }

  function tryChecks(instance: Instance, release: Release): Promise<CheckLook[]> {
    const prober = { containers, hostHeader: hostOf(instance.app) };
    return Promise.all(
      checksOf(release, instance.process).map(async (check) => {
        const ms = Math.min(MOST_TRY_MS, check?.timeoutMs ?? MOST_TRY_MS);
        const { healthy, text } = await attempt(instance, check, prober, ms);
        const what = describeCheck(check, release.port);
        return { type: check?.type ?? "startup", what, healthy, says: conceal(release, text) };
      }),
    );
  }

  async function lookAtDisk(app: string, mount: Mount): Promise<DiskLook[]> {
    const folder = await engine.folderOf(mount, app);
    const fs = folder && (await statfs(folder).catch(() => null));
    if (!folder || !fs) return [];
    const { used, whole } = await countBytes(folder, performance.now() + COUNT_MS);
    const free = fs.bavail * fs.bsize;
    // As df counts: what is set aside for root is neither used nor free.
    const size = (fs.blocks - fs.bfree) * fs.bsize + free;
    return [{ source: mount.source, target: mount.target, used, whole, size, free }];
  }

  return async function look(name: string): Promise<AppLook> {
    const [app, all] = await Promise.all([store.getApp(name), store.listInstances(name)]);
    const release = app?.live && (await store.getRelease(name, app.live.release));
    const there = all.filter(({ state }) => state !== "created" && state !== "removed");
    const [instances, disks] = await Promise.all([
      Promise.all(there.map(lookAt)),
      Promise.all((release?.mounts ?? []).map((mount) => lookAtDisk(name, mount))),
    ]);
    return { instances, disks: disks.flat() };
  };
}

/** All that the app says of a process type; `web` is asked in any case. */
function checksOf(release: Release, process: string): (HealthCheck | undefined)[] {
  const own = release.checks?.[process] ?? startChecks(release, process);
  return own.length === 0 && process === "web" ? [undefined] : own;
}

/** What lies in a folder, links not followed, as far as it is counted by then. */
async function countBytes(
  folder: string,
  until: number,
): Promise<{ used: number; whole: boolean }> {
  let used = 0;
  const left = [folder];
  for (let dir = left.pop(); dir !== undefined; dir = left.pop()) {
    for (const entry of await readdir(dir, { withFileTypes: true }).catch(() => [])) {
      if (performance.now() > until) return { used, whole: false };
      const path = join(dir, entry.name);
      if (entry.isDirectory()) left.push(path);
      else used += (await lstat(path).catch(() => null))?.size ?? 0;
    }
  }
  return { used, whole: true };
}
