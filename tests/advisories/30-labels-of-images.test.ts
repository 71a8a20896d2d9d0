import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import test from "ava";
import { pack } from "tar-stream";
import { createLog } from "../../apps/log.ts";
import type { App, Instance, Release } from "../../apps/types.ts";
import { createDocker } from "../../workers/engine/client.ts";
import { createContainers } from "../../workers/engine/containers.ts";
import { createImages } from "../../workers/engine/images.ts";
import { createNetworks } from "../../workers/engine/network.ts";
import { createRunEngine } from "../../workers/engine/runs.ts";
import { createWatch } from "../../workers/engine/watch.ts";
import { createVolumes } from "../../workers/engine/volumes.ts";

const namespace = `teal-test-${randomBytes(4).toString("hex")}`;
const docker = createDocker();
const images = createImages(docker, { namespace, log: createLog(namespace) });
const networks = createNetworks(docker, { namespace, pool: "10.214.0.0/20" });
const configOf = () => ({});
const volumes = createVolumes(docker, { namespace, roots: [] });
const containers = createContainers(docker, networks, { namespace, configOf, volumes });
const runs = createRunEngine(docker, networks, { namespace, configOf, volumes });
const tag = `${namespace}/hostile:1`;

/** What an image could say of itself to be spared, forgotten, or taken for another's. */
const LABELS = {
  "teal.platform": "another",
  "teal.app": "bank",
  "teal.app-id": "99",
  "teal.release": "v99",
  "teal.instance": "teal-bank-1-web-1",
  "teal.colour": "green",
  "teal.process": "release",
  "teal.index": "42",
  "teal.deploy": "bank-1",
  "teal.one-off": "bank-1",
  "teal.run-until": "1",
  "teal.run-by": "1-1",
  "teal.run-kept": "1",
};

const app: App = {
  ...{ name: "shop", id: "7", createdAt: 0, createdBy: "ann", state: "active", token: 1 },
  ...{ routeVersion: 0, live: null, standby: null, held: null },
};
const instance: Instance = {
  ...{ id: `${namespace}-shop-3-web-1`, app: "shop", deploy: "shop-3", release: 2 },
  ...{ colour: "blue", process: "web", index: 1, state: "created", slot: 3 },
};

test.after.always(async () => {
  await containers.remove(instance.id);
  await networks.remove("shop");
  await images.remove(tag);
});

test("labels of an image say nothing to the platform: its own are on every container", async (t) => {
  t.timeout(60_000);
  const tar = pack();
  tar.entry({ name: "empty" }, "");
  tar.finalize();
  const labels = Object.entries(LABELS).map(([name, value]) => `LABEL ${name}=${value}`);
  const content = Readable.from(tar, { objectMode: false });
  const { id, config } = await images.importTar(content, tag, labels, AbortSignal.timeout(30_000));
  t.deepEqual(config.labels, LABELS);
  const release: Release = {
    ...{ app: "shop", n: 2, deploy: "shop-3", kind: "push", commit: "c".repeat(40), image: id },
    ...{ imageBytes: 1, processes: { web: "serve" }, formation: { web: 1 }, port: 5000 },
    ...{ config: {}, createdAt: 0, by: "ann", why: "" },
  };
  await containers.create(app, instance, release);
  // Neither a command that has run for too long, nor one of a deploy that is over: it stays.
  t.deepEqual(await containers.list(), [
    { id: instance.id, app: "shop", running: false, oneOffOf: null },
  ]);
  t.is(await runs.count("shop"), 0);
  // Its output is kept, under its own name.
  t.deepEqual(await createWatch(docker, namespace).list(), [
    {
      ...{ id: instance.id, app: "shop", process: "web", deploy: "shop-3", index: "1", release: 2 },
      ...{ colour: "blue", running: false, fresh: true },
    },
  ]);
});
