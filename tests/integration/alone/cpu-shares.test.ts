import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import type { App, Instance, Release } from "../../../apps/types.ts";
import { createContainers } from "../../../workers/engine/containers.ts";
import { createNetworks } from "../../../workers/engine/network.ts";
import { createUsage } from "../../../workers/engine/usage.ts";
import { createVolumes } from "../../../workers/engine/volumes.ts";
import { startBuilder } from "../../support/builder.ts";

const IMAGE = "teal/base/node:24";
const builder = await startBuilder();
const { docker, namespace } = builder;
const networks = createNetworks(docker, { namespace, pool: "10.214.96.0/20" });
const volumes = createVolumes(docker, { namespace, roots: [] });
const containers = createContainers(docker, networks, { namespace, configOf: () => ({}), volumes });
const made: string[] = [];

test.before(async (t) => {
  t.timeout(120_000);
  await builder.bases.ensureNamed(IMAGE, () => {}, AbortSignal.timeout(100_000));
});
test.after.always(async () => {
  await builder.close();
  for (const name of made) await networks.remove(name);
});

/** An app without limits of its own, whose instance keeps so many processors busy. */
async function startBurning(processes: number, runtime?: Release["runtime"]): Promise<string> {
  const name = `a${randomBytes(4).toString("hex")}`;
  made.push(name);
  const app: App = {
    ...{ name, id: name, createdAt: 0, createdBy: "ann", state: "active", token: 1 },
    ...{ routeVersion: 0, live: null, standby: null, held: null },
  };
  const instance: Instance = {
    ...{ id: `${namespace}-${name}-1-web-1`, app: name, deploy: `${name}-1`, release: 1 },
    ...{ colour: "blue", process: "web", index: 1, state: "created", slot: 3 },
  };
  const burn = Array.from({ length: processes }, () => 'node -e "for (;;);" &').join(" ");
  const release = {
    ...{ app: name, n: 1, deploy: `${name}-1`, kind: "push", commit: "c".repeat(40), image: IMAGE },
    ...{ imageBytes: 1, processes: { web: `${burn} wait` }, formation: {}, port: 5000 },
    ...{ config: {}, createdAt: 0, by: "ann", why: "" },
    ...(runtime && { runtime }),
  } as Release;
  const id = await containers.create(app, instance, release);
  await containers.start(app, instance, release, id);
  return id;
}

const look = createUsage(docker);
const usedBy = async (id: string) => (await look(id))?.cpuNs ?? 0;

/** Of one processor how much each has had, over some seconds. */
async function sharesOf(ids: string[], ms: number): Promise<number[]> {
  const began = performance.now();
  const before = await Promise.all(ids.map(usedBy));
  await sleep(ms);
  const after = await Promise.all(ids.map(usedBy));
  const spent = (performance.now() - began) * 1e6;
  return after.map((used, i) => (used - (before[i] ?? 0)) / spent);
}

test.serial(
  "an app that burns all processors takes no more from another than its share",
  async (t) => {
    t.timeout(60_000);
    const many = 8 * availableParallelism();
    const noisy = await startBurning(many);
    const quiet = await startBurning(1);
    await sleep(2000);
    const [loud = 0, still = 0] = await sharesOf([noisy, quiet], 5000);
    t.log(
      `${many} busy processes had ${loud.toFixed(2)} processors, one beside them ${still.toFixed(2)}`,
    );
    // How much there is to share depends on what else the machine does.
    t.true(loud > 0.01, "it did burn");
    // Were it shared out by process, the one would have had a part in so many.
    const fair = Math.min(1, loud);
    t.true(still > fair / 2, `${still} beside ${loud}`);
  },
);

test.serial("one that is given half a processor has no more, whatever it starts", async (t) => {
  t.timeout(60_000);
  const bounded = await startBurning(4, { web: { cpus: 0.5 } });
  await sleep(1000);
  const [had = 0] = await sharesOf([bounded], 3000);
  t.log(`${had.toFixed(2)} processors`);
  t.true(had > 0.01 && had < 0.6, String(had));
});
