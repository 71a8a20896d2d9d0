import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import test from "ava";
import type { App, Release } from "../../apps/types.ts";
import { createContainers } from "../../workers/engine/containers.ts";
import { createNetworks } from "../../workers/engine/network.ts";
import { createVolumes } from "../../workers/engine/volumes.ts";
import { startBuilder } from "../support/builder.ts";

const builder = await startBuilder();
const { docker, namespace } = builder;
const networks = createNetworks(docker, { namespace, pool: "10.214.16.0/20" });
const volumes = createVolumes(docker, { namespace, roots: [] });
const containers = createContainers(docker, networks, { namespace, configOf: () => ({}), volumes });
const name = `a${randomBytes(4).toString("hex")}`;
test.after.always(async () => {
  await networks.remove(name);
  await builder.close();
});

const app: App = {
  ...{ name, id: "1", createdAt: 0, createdBy: "ann", state: "active", token: 1 },
  ...{ routeVersion: 0, live: null, standby: null, held: null },
};

test("a command of a Procfile or of app.json is a shell's in its container, and nobody's outside", async (t) => {
  t.timeout(60_000);
  // The same folder is in the container and on the machine.
  const dir = await mkdtemp("/var/tmp/teal-03-");
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const signal = AbortSignal.timeout(40_000);
  await builder.bases.ensureNamed("teal/base/node:24", () => {}, signal);
  const release = {
    ...{ app: name, n: 1, deploy: `${name}-1`, kind: "push", commit: "c".repeat(40) },
    ...{ image: "teal/base/node:24", imageBytes: 1, processes: { web: "x" }, formation: {} },
    ...{ port: 5000, config: {}, createdAt: 0, by: "ann", why: "" },
  } as Release;
  const canary = join(dir, "canary");
  for (const command of [
    `mkdir -p ${dir} && touch ${canary} && test -f ${canary} && echo inside`,
    `mkdir -p ${dir}; $(touch ${canary}); echo inside`,
    `: -v /:/host --privileged; mkdir -p ${dir}; touch ${canary}; echo inside`,
    `test ! -e /var/run/docker.sock && test ! -e /run/docker.sock && echo inside`,
  ]) {
    const lines: string[] = [];
    const onLine = (line: string) => void lines.push(line);
    const once = `${namespace}-${name}-once`;
    const code = await containers.runOnce(once, app, release, command, { signal, onLine });
    t.is(code, 0, lines.join("\n"));
    t.is(lines.at(-1)?.trim(), "inside", command);
    t.false(existsSync(canary), command);
  }
});
