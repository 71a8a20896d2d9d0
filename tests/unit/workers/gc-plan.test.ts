import test from "ava";
import { type AppRecord, type FoundImage, planImages } from "../../../workers/gc-plan.ts";

const DAY = 24 * 3600_000;
const now = 100 * DAY;

function image(id: string, tags: string[], more: Partial<FoundImage> = {}): FoundImage {
  return { id, tags, foreign: [], bytes: 10, createdAt: now - DAY, used: false, ...more };
}

function app(name: string, more: Partial<AppRecord> = {}): AppRecord {
  return { name, releases: [], deploys: [], running: [], ...more };
}

const plan = (images: FoundImage[], apps: AppRecord[]) =>
  planImages({ namespace: "teal", images, apps, now }).map(({ name, why }) => `${name}: ${why}`);

test("a tag stays for a release, an unfinished deploy and instances, and goes for all else", (t) => {
  const shop = app("shop", {
    releases: [{ n: 1, deploy: "shop-1", image: "a", retained: true }],
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
  const shop = app("shop", { releases: [{ n: 9, deploy: "shop-9", image: "a", retained: true }] });
  t.deepEqual(plan([image("a", ["teal/shop:shop-1"])], [shop]), []);
  const two = image("a", ["teal/shop:shop-1", "teal/shop:shop-9"]);
  t.deepEqual(plan([two], [shop]), ["teal/shop:shop-1: shop-1 is forgotten"]);
});

test("the image of a release goes with its retention, unless a retained one is made of it", (t) => {
  const shop = app("shop", {
    releases: [
      { n: 1, deploy: "shop-1", image: "a", retained: false },
      { n: 2, deploy: "shop-2", image: "b", retained: false },
      { n: 3, deploy: "shop-3", image: "c", retained: false },
      { n: 4, deploy: "shop-4", image: "b", retained: true },
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
    releases: [{ n: 1, deploy: "shop-1", image: "kept", retained: true }],
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
