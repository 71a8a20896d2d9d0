import type { Redis } from "ioredis";
import { keys } from "../apps/keys.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import { asking } from "../apps/store-scripts.ts";

interface Options {
  redis: Redis;
  store: Pick<Store, "listApps">;
  log: Pick<Log, "warn">;
  /** With less free than this somebody is told, bytes. Builds are refused below a fifth of it. */
  floor?: number;
}

const FLOOR = 5 * 1024 ** 3;
const DAY_S = 24 * 3600;

/**
 * Has the notifiers of every app that is live told that the disk is nearly full, once a day. Garbage
 * was collected before: what is left to do is for people.
 */
export function createDiskWatch({ redis, store, log, floor = FLOOR }: Options) {
  return async function look(freeBytes: number): Promise<void> {
    if (freeBytes >= floor) return;
    const mib = Math.floor(freeBytes / 1024 ** 2);
    const first = await asking(() => redis.set(keys.diskLow, mib, "EX", DAY_S, "NX"));
    if (first === null) return;
    log.warn({ mib }, "the disk is nearly full");
    for (const { live } of await store.listApps()) {
      if (!live) continue;
      const notice = `${live.deploy} disk-low ${mib} MiB of disk are free`;
      await asking(() => redis.rpush(keys.notices, notice));
    }
  };
}
