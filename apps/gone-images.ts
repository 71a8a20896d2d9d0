import type { Redis } from "ioredis";
import { keys } from "./keys.ts";
import { asking } from "./store-scripts.ts";
import type { Release } from "./types.ts";

/** What a look at the engine found: images of an app's releases that are no longer there. */
export interface Gone {
  /** When it was looked, ms. */
  at: number;
  /** Image ids. */
  images: string[];
}

/** Which releases cannot be started again, as the last garbage collection found. May throw store-unavailable. */
export interface GoneImages {
  /** By app, in the place of what was known before. */
  record(found: ReadonlyMap<string, Gone>): Promise<void>;
  of(app: string): Promise<Gone>;
}

export function createGoneImages(redis: Redis): GoneImages {
  return {
    async record(found) {
      const batch = redis.multi().del(keys.goneImages);
      for (const [app, gone] of found) {
        if (gone.images.length > 0) batch.hset(keys.goneImages, app, JSON.stringify(gone));
      }
      await asking(() => batch.exec());
    },
    async of(app) {
      const json = await asking(() => redis.hget(keys.goneImages, app));
      return json === null ? { at: 0, images: [] } : (JSON.parse(json) as Gone);
    },
  };
}

/** A release that is newer than the look has its image: it was made with it. */
export function isGone({ at, images }: Gone, release: Pick<Release, "image" | "createdAt">) {
  return release.createdAt <= at && images.includes(release.image);
}
