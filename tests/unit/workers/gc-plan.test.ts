import test from "ava";
import { withinBudget } from "../../../workers/gc-budget.ts";
import {
  type AppRecord,
  type FoundImage,
  planImages,
  type ReleaseRecord,
} from "../../../workers/gc-plan.ts";

const DAY = 24 * 3600_000;
const now = 100 * DAY;

function image(id: string, tags: string[], more: Partial<FoundImage> = {}): FoundImage {
  return { id, tags, foreign: [], bytes: 10, createdAt: now - DAY, used: false, ...more };
}

function app(name: string, more: Partial<AppRecord> = {}): AppRecord {
  return { name, releases: [], deploys: [], running: [], ...more };
}

function release(n: number, made: string, retained: boolean): ReleaseRecord {
  return { n, deploy: `shop-${n}`, image: made, retained, needed: false, createdAt: n * DAY };
}

const plan = (images: FoundImage[], apps: AppRecord[]) =>
  planImages({ namespace: "teal", images, apps, now }).map(({ name, why }) => `${name}: ${why}`);

test("a tag stays for a release, an unfinished deploy and instances, and goes for all else", (t) => {
  const shop = app("shop", {
    releases: [release(1, "a", true)],
    deploys: [
      { id: "shop-2", state: "running" },
      { id: "shop-3", state: "queued" },
      { id: "shop-5", state: "failed" },
      { id: "shop-6", state: "superseded" },
    ],
    running: ["shop-4"],
  });
  const images = [1, 2, 3, 4, 5, 6, 7].map((n) => image(`id${n}`, [`teal/shop:shop-${n}`]));
  t.deepEqual(plan([...images, image("x", ["teal/old:old-1"])], [shop]), [
    "teal/shop:shop-5: shop-5 failed, and has no release",
    "teal/shop:shop-6: shop-6 was superseded, and has no release",
    "teal/shop:shop-7: shop-7 is forgotten",
    "teal/old:old-1: there is no app old",
  ]);
});

test("an image that a retained release is made of keeps its last tag, whatever deploy that names", (t) => {
  const shop = app("shop", { releases: [release(9, "a", true)] });
  t.deepEqual(plan([image("a", ["teal/shop:shop-1"])], [shop]), []);
  const two = image("a", ["teal/shop:shop-1", "teal/shop:shop-9"]);
  t.deepEqual(plan([two], [shop]), ["teal/shop:shop-1: shop-1 is forgotten"]);
});

test("the image of a release goes with its retention, unless a retained one is made of it", (t) => {
  const shop = app("shop", {
    releases: [
      release(1, "a", false),
      release(2, "b", false),
      release(3, "c", false),
      release(4, "b", true),
    ],
    deploys: [{ id: "shop-3", state: "failed" }],
  });
  const images = ["a", "b", "c"].map((id, i) => image(id, [`teal/shop:shop-${i + 1}`]));
  t.deepEqual(plan(images, [shop]), [
    "teal/shop:shop-1: v1 is not retained",
    "teal/shop:shop-3: shop-3 failed",
  ]);
});

test("an image that a container is made of stays", (t) => {
  t.deepEqual(plan([image("a", ["teal/old:old-1"], { used: true })], []), []);
  t.deepEqual(plan([image("a", [], { used: true })], []), []);
});

test("a nameless image goes when it is old enough and nobody has named it", (t) => {
  const shop = app("shop", {
    releases: [release(1, "kept", true)],
  });
  const images = [
    image("gone", []),
    image("kept", []),
    image("young", [], { createdAt: now - 60_000 }),
    image("theirs", [], { foreign: ["my/own:name"] }),
  ];
  t.deepEqual(plan(images, [shop]), ["gone: no deploy and no release names it"]);
});

test("an image of somebody else's that got our tag loses the tag alone, and no bytes are promised", (t) => {
  const [removal] = planImages({
    ...{ namespace: "teal", apps: [], now },
    images: [image("a", ["teal/old:old-1"], { foreign: ["nginx:latest"] })],
  });
  t.like(removal, { name: "teal/old:old-1", bytes: 0 });
});

test("over the budget the oldest releases of all apps go first, and what is needed stays", (t) => {
  const needed = { ...release(1, "a", true), needed: true };
  const shop = app("shop", { releases: [needed, release(2, "b", true), release(4, "d", true)] });
  const blog = app("blog", { releases: [release(3, "c", true), release(5, "e", false)] });
  const images = ["a", "b", "c", "d", "e"].map((id) => image(id, []));
  const fitted = (budget: number, shared: [string, number][] = []) =>
    withinBudget({ apps: [shop, blog], images, shared: new Map(shared), budget })
      .flatMap(({ releases }) => releases)
      .filter(({ overBudget }) => overBudget)
      .map(({ n }) => n);
  t.deepEqual(fitted(40), []);
  t.deepEqual(fitted(39), [2]);
  t.deepEqual(fitted(20), [2, 3]);
  t.deepEqual(fitted(0), [2, 4, 3], "the needed one stays whatever the budget");
  const layers = ["a", "b", "d"].map((id): [string, number] => [id, 8]);
  t.deepEqual(fitted(24, layers), [], "shared layers count once: 8 + 3 × 2, and 10");
  t.deepEqual(fitted(23, layers), [2]);
  const [over] = withinBudget({ apps: [shop], images, shared: new Map(), budget: 20 });
  t.deepEqual(plan([image("b", ["teal/shop:shop-2"])], over ? [over] : []), [
    "teal/shop:shop-2: v2 is over TEAL_IMAGES",
  ]);
  t.true(
    shop.releases.every(({ retained }) => retained),
    "the facts are left as they are",
  );
});
