import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Readable } from "node:stream";
import test from "ava";
import Docker from "dockerode";
import { createGoneImages } from "../../apps/gone-images.ts";
import { createLog } from "../../apps/log.ts";
import { createImages } from "../../workers/engine/images.ts";
import { createStorage } from "../../workers/engine/storage.ts";
import { createCollector } from "../../workers/gc.ts";
import { pack } from "tar-stream";
import { goLive, pushOf, startApi } from "../support/api.ts";
import { startOwnDockerd } from "../support/own-dockerd.ts";

const MB = 1e6;
const SPACE = "budget";
/** The whole build cache of an engine is touched here, so it is not the machine's. */
const engine = await startOwnDockerd([]);
const api = await startApi();
const docker = new Docker({ socketPath: engine.host.replace("unix://", "") });
const log = createLog("test");
const images = createImages(docker, { namespace: SPACE, log });
const storage = createStorage(docker, SPACE);
test.after.always(async () => {
  await api.stop();
  await engine.stop();
});

async function build(tag: string, files: Record<string, Buffer>) {
  const tar = pack();
  const copies = Object.keys(files).map((name) => `COPY ${name} /`);
  tar.entry({ name: "Dockerfile" }, `FROM scratch\n${copies.join("\n")}\n`);
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return images.build({
    context: Readable.from(tar, { objectMode: false }),
    dockerfile: "Dockerfile",
    ...{ tag, labels: {} },
    signal: new AbortController().signal,
    onLine: () => {},
  });
}

function collector(budgets: { buildCache: number | null; imageBudget: number | null }) {
  return createCollector({
    ...{ store: api.store, storage, git: api.git, namespace: SPACE, log, ...budgets },
    goneImages: createGoneImages(api.redis.connect()),
    ...{ home: "/tmp", workDir: join(api.logs, "work"), lookAtDisk: async () => {} },
  });
}

test.serial(
  "the build cache is brought down to TEAL_BUILD_CACHE, and left alone without it",
  async (t) => {
    t.timeout(120_000);
    const tags = ["elsewhere:1", "elsewhere:2"];
    for (const tag of tags) await build(tag, { large: randomBytes(8 * MB) });
    for (const tag of tags) await images.remove(tag);
    const before = await storage.cacheBytes();
    t.true(before >= 16 * MB, `${before} bytes`);
    const left = collector({ buildCache: null, imageBudget: null });
    t.false(
      (await left({ dryRun: false })).removed.some(({ kind }) => kind === "cache"),
      "unset: left alone",
    );
    const collect = collector({ buildCache: 12 * MB, imageBudget: null });
    const dry = await collect({ dryRun: true });
    t.like(
      dry.removed.find(({ kind }) => kind === "cache"),
      { why: "it is over TEAL_BUILD_CACHE" },
    );
    t.is(await storage.cacheBytes(), before, "a dry run removes nothing");
    const { kept } = await collect({ dryRun: false });
    t.true(kept.cacheBytes <= 12 * MB, `${kept.cacheBytes} bytes are left`);
    t.deepEqual((await collect({ dryRun: true })).removed, [], "twice is once");
  },
);

/** As a later deploy retires it and the reaper removes it: an image stays while an instance is on record. */
async function removeInstance(id: string): Promise<void> {
  const { store, deploys } = api;
  const asked = await deploys.push(pushOf("shop", "f".repeat(40), "fails"));
  const taken = await store.claim("shop", "test", 10_000);
  if (!taken) throw new Error("nothing was queued");
  await store.retire(taken.claim, [id]);
  await store.finishDeploy(taken.claim, asked.id, "failed", "for the test");
  await store.release(taken.claim);
  await store.markGone(id, "stopped");
  await store.markGone(id, "removed");
}

test.serial(
  "over TEAL_IMAGES the oldest release's image goes, and what is live or warm stays",
  async (t) => {
    t.timeout(120_000);
    await api.store.createApp("shop", "ann");
    const common = randomBytes(6 * MB);
    const made: string[] = [];
    for (const n of [1, 2, 3]) {
      const deploy = await api.deploys.push(pushOf("shop", String(n).repeat(40), `push ${n}`));
      const tag = `${SPACE}/shop:${deploy.id}`;
      const { id, bytes } = await build(tag, { common, own: randomBytes(4 * MB) });
      made.push(id);
      await goLive(api.store, "shop", deploy, { image: id, imageBytes: bytes });
    }
    const shared = await storage.sharedBytes();
    t.deepEqual(
      made.map((id) => Math.round((shared.get(id) ?? 0) / MB)),
      [6, 6, 6],
      "as the engine counts",
    );
    await removeInstance("teal-shop-1-web-1");

    const roomy = collector({ buildCache: null, imageBudget: 20 * MB });
    t.deepEqual((await roomy({ dryRun: true })).removed, [], "6 and 3 × 4 MB");
    const tight = collector({ buildCache: null, imageBudget: 17 * MB });
    const dry = await tight({ dryRun: true });
    t.deepEqual(
      dry.removed.map(({ name, why }) => `${name}: ${why}`),
      [`${SPACE}/shop:shop-1: v1 is over TEAL_IMAGES`],
    );
    t.true(await images.exists(made[0] ?? ""));
    await collector({ buildCache: null, imageBudget: 1 })({ dryRun: false });
    t.deepEqual(await Promise.all(made.map((id) => images.exists(id))), [false, true, true]);
  },
);

test.serial("of an image no more is read than was asked for", async (t) => {
  const { id } = await build("elsewhere:3", { one: Buffer.from("1"), two: Buffer.from("22") });
  const all = await storage.readFiles(id, () => true, 1000);
  t.deepEqual([all?.get("one"), all?.get("two")], ["1", "22"]);
  t.is(await storage.readFiles(id, (name) => /^(one|two)$/.test(name), 2), null);
  t.is((await storage.readFiles(id, (name) => name === "two", 2))?.size, 1);
  t.deepEqual(await docker.listContainers({ all: true }), [], "and nothing is left of it");
});
