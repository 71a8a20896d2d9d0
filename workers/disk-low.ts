import type { Redis } from "ioredis";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import { createScripts } from "../apps/store-scripts.ts";

interface Options {
  redis: Redis;
  store: Pick<Store, "listApps">;
  log: Pick<Log, "warn">;
  /** With less free than this somebody is told, bytes. Builds are refused below a fifth of it. */
  floor?: number;
}

const FLOOR = 5 * 1024 ** 3;
const DAY_MS = 24 * 3600 * 1000;

/**
 * Has the notifiers of every app that is live told that the disk is nearly full, once a day. Garbage
 * was collected before: what is left to do is for people.
 */
export function createDiskWatch({ redis, store, log, floor = FLOOR }: Options) {
  const { run } = createScripts(redis);
  return async function look(freeBytes: number): Promise<void> {
    if (freeBytes >= floor) return;
    const mib = Math.floor(freeBytes / 1024 ** 2);
    const live = (await store.listApps()).flatMap((app) => app.live ?? []);
    const tells = live.map(({ deploy }) => `${deploy} disk-low ${mib} MiB of disk are free`);
    const [first] = await run("tell-once", "*", "diskLow", "", mib, DAY_MS, ...tells);
    if (first === 1) log.warn({ mib }, "the disk is nearly full");
  };
}
