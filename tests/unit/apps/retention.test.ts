import test from "ava";
import { createGoneImages, isGone } from "../../../apps/gone-images.ts";
import {
  retainedReleases,
  type RetentionFacts,
  retentionLimits,
  whyRetained,
} from "../../../apps/retention.ts";
import type { DeployState, Slot } from "../../../apps/types.ts";
import { startRedis } from "../../support/redis.ts";

const DAY = 24 * 3600_000;
const now = 1000 * DAY;

const release = (n: number, daysOld = 0) => ({
  n,
  deploy: `shop-${n}`,
  createdAt: now - daysOld * DAY,
});
const deploy = (n: number, state: DeployState, toRelease?: number) => ({
  ...{ id: `shop-${n}`, state },
  ...(toRelease !== undefined && { toRelease }),
});
const slot = (n: number): Slot => ({
  ...{ colour: "blue", release: n, deploy: `shop-${n}`, since: now },
});
const NONE = { live: null, standby: null, held: null };

function kept(facts: Partial<RetentionFacts>): number[] {
  const defaults = { app: NONE, releases: [], deploys: [], limits: retentionLimits(), now };
  return [...retainedReleases({ ...defaults, ...facts })].toSorted((a, b) => a - b);
}

test("the newest good ones are kept, 20 unless said; failed ones do not count, nor are they kept", (t) => {
  const releases = Array.from({ length: 30 }, (_, i) => release(i + 1)).toReversed();
  const all = kept({ releases });
  t.deepEqual([all[0], all.length], [11, 20]);
  const deploys = [deploy(29, "failed"), deploy(28, "cancelled"), deploy(27, "held")];
  t.deepEqual(kept({ releases, deploys, limits: retentionLimits({ keep: 3 }) }), [26, 27, 30]);
});

test("of the newest, those that are too old go", (t) => {
  const releases = [release(4, 1), release(3, 10), release(2, 90), release(1, 91)];
  t.deepEqual(kept({ releases, limits: retentionLimits({ days: 90 }) }), [2, 3, 4]);
  t.deepEqual(kept({ releases, limits: retentionLimits({ days: 90, keep: 2 }) }), [3, 4]);
  t.deepEqual(kept({ releases }), [1, 2, 3, 4]);
});

test("live, warm, held, and what a deploy is about to need, are kept however old they are", (t) => {
  const releases = [1, 2, 3, 4, 5, 6, 7].map((n) => release(n, 500));
  const app = { live: slot(3), standby: slot(1), held: slot(5) };
  const limits = retentionLimits({ keep: 1, days: 1 });
  t.deepEqual(kept({ releases, app, limits }), [1, 3, 5]);
  const deploys = [deploy(7, "running"), deploy(8, "queued", 2), deploy(9, "live", 4)];
  t.deepEqual(kept({ releases, app, limits, deploys }), [1, 2, 3, 5, 7]);
});

test("each release says why its image is kept or goes", (t) => {
  const releases = [7, 6, 5, 4, 3, 2, 1].map((n) => release(n, n === 4 ? 100 : 0));
  const app = { live: slot(6), standby: slot(2), held: null };
  const deploys = [deploy(7, "failed"), deploy(8, "queued", 1), deploy(6, "live")];
  const limits = retentionLimits({ keep: 3, days: 90 });
  const why = whyRetained({ app, releases, deploys, limits, now });
  t.deepEqual(Object.fromEntries(why), {
    7: { kept: false, why: "its deploy failed" },
    6: { kept: true, why: "it is live" },
    5: { kept: true, why: "it is one of the newest 3 good ones" },
    4: { kept: false, why: "it is older than 90 days" },
    3: { kept: false, why: "3 newer good ones are kept" },
    2: { kept: true, why: "it is the standby" },
    1: { kept: true, why: "shop-8 goes back to it" },
  });
});

test("what is gone is known until the next look, and newer releases are not judged", async (t) => {
  const server = await startRedis();
  t.teardown(() => server.stop());
  const images = createGoneImages(server.connect());
  t.deepEqual(await images.of("shop"), { at: 0, images: [] });
  await images.record(new Map([["shop", { at: 5, images: ["a"] }]]));
  const gone = await images.of("shop");
  t.true(isGone(gone, { image: "a", createdAt: 4 }));
  t.false(isGone(gone, { image: "a", createdAt: 6 }));
  t.false(isGone(gone, { image: "b", createdAt: 4 }));
  await images.record(new Map([["blog", { at: 7, images: ["c"] }]]));
  t.deepEqual(await images.of("shop"), { at: 0, images: [] });
});
