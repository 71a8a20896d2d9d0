import { randomBytes } from "node:crypto";
import test from "ava";
import { isTealError } from "../../../../apps/errors.ts";
import type { App, Instance, Release } from "../../../../apps/types.ts";
import { createContainers } from "../../../../workers/engine/containers.ts";
import { createNetworks } from "../../../../workers/engine/network.ts";
import { createVolumes } from "../../../../workers/engine/volumes.ts";
import { startBuilder } from "../../../support/builder.ts";

const builder = await startBuilder();
const { docker, namespace } = builder;
const networks = createNetworks(docker, { namespace, pool: "10.214.32.0/20" });
const volumes = createVolumes(docker, { namespace, roots: [] });
const containers = createContainers(docker, networks, { namespace, configOf: () => ({}), volumes });
const name = `a${randomBytes(4).toString("hex")}`;
const image = "teal/base/node:24";

const app: App = {
  ...{ name, id: "1", createdAt: 0, createdBy: "ann", state: "active", token: 1 },
  ...{ routeVersion: 0, live: null, standby: null, held: null },
};
const one = (index: number): Instance => ({
  ...{ id: `${namespace}-${name}-1-web-${index}`, app: name, deploy: `${name}-1`, release: 1 },
  ...{ colour: "blue", process: "web", index, state: "created", slot: 2 + index },
});
const release = (command: string, grace: number) =>
  ({
    ...{ app: name, n: 1, deploy: `${name}-1`, kind: "push", commit: "c".repeat(40), image },
    ...{ imageBytes: 1, processes: { web: command }, formation: {}, port: 5000, config: {} },
    ...{ runtime: { web: { grace } }, createdAt: 0, by: "ann", why: "" },
  }) as Release;

test.before(async (t) => {
  t.timeout(120_000);
  await builder.bases.ensureNamed(image, () => {}, AbortSignal.timeout(100_000));
});
test.after.always(async () => {
  for (const index of [1, 2]) await containers.remove(one(index).id);
  await networks.remove(name);
  await builder.close();
});

test("one that takes no notice of SIGTERM is ended when its grace time is over, not before", async (t) => {
  t.timeout(60_000);
  const script = "process.on('SIGTERM', () => console.log('going on')); setInterval(() => {}, 1e3)";
  const deaf = release(`exec node -e "${script}; console.log('ready')"`, 2);
  const made = await containers.create(app, one(1), deaf);
  t.is(await containers.create(app, one(1), deaf), made, "made once");
  await containers.start(app, one(1), deaf, made);
  for (let i = 0; i < 200; i++) {
    if ((await containers.lastLines(one(1).id, 5)).join("").includes("ready")) break;
    await new Promise((done) => setTimeout(done, 50));
  }
  const began = performance.now();
  await containers.stop(made);
  const ms = performance.now() - began;
  t.true(ms >= 1900 && ms < 10_000, `${ms} ms`);
  t.like(await containers.inspect(one(1).id), { running: false, exitCode: 137 });
  t.regex((await containers.lastLines(one(1).id, 5)).join("\n"), /going on/);
});

test("what is said of a container by its own id is not about the one that has its name now", async (t) => {
  t.timeout(60_000);
  const idle = release("sleep 600", 0);
  const old = await containers.create(app, one(2), idle);
  await containers.start(app, one(2), idle, old);
  await containers.stop(old);
  await containers.remove(old);
  t.is(await containers.idOf(one(2).id), null);
  const made = await containers.create(app, one(2), idle);
  t.not(made, old);
  const error = await t.throwsAsync(containers.start(app, one(2), idle, old));
  t.true(isTealError(error, "instance-retired"), String(error));
  t.like(await containers.inspect(one(2).id), { running: false });
  await containers.start(app, one(2), idle, made);
  await containers.stop(old);
  await containers.restart(old, 0);
  await containers.remove(old);
  t.is(await containers.idOf(one(2).id), made);
  t.like(await containers.inspect(one(2).id), { running: true });
});
