import { randomBytes } from "node:crypto";
import test from "ava";
import type { App, Instance, Release } from "../../../apps/types.ts";
import { createContainers } from "../../../workers/engine/containers.ts";
import { createNetworks } from "../../../workers/engine/network.ts";
import { createVolumes } from "../../../workers/engine/volumes.ts";
import { strayed, unfit } from "../../../workers/identity.ts";
import { startBuilder } from "../../support/builder.ts";
import { until } from "../../support/platform.ts";

const builder = await startBuilder();
const { docker, namespace } = builder;
const networks = createNetworks(docker, { namespace, pool: "10.214.64.0/20" });
const volumes = createVolumes(docker, { namespace, roots: [] });
const containers = createContainers(docker, networks, { namespace, configOf: () => ({}), volumes });
const name = `a${randomBytes(4).toString("hex")}`;
const image = "teal/base/node:24";

const app: App = {
  ...{ name, id: "1", createdAt: 0, createdBy: "ann", state: "active", token: 1 },
  ...{ routeVersion: 0, live: null, standby: null, held: null },
};
/** Answers with the status that its argument says. */
const server = (status: number) =>
  `require("http").createServer((_, res) => res.writeHead(${status}).end()).listen(5000)`;
const release = (status = 200) =>
  ({
    ...{ app: name, n: 1, deploy: `${name}-1`, kind: "push", commit: "c".repeat(40), image },
    ...{ imageBytes: 1, processes: { web: `exec node -e '${server(status)}'` }, formation: {} },
    ...{ runtime: { web: { grace: 0 } }, createdAt: 0, by: "ann", why: "" },
    ...{ port: 5000, config: {} },
  }) as Release;

async function start(index: number, status?: number): Promise<Instance> {
  const one: Instance = {
    ...{ id: `${namespace}-${name}-1-web-${index}`, app: name, deploy: `${name}-1`, release: 1 },
    ...{ colour: "blue", process: "web", index, state: "created", slot: 2 + index },
  };
  const made = await containers.create(app, one, release(status));
  return { ...one, ...(await containers.start(app, one, release(status), made)) };
}

/** Somebody else's container at an address of the app's network. */
async function intrude(address: string) {
  const { name: network } = await networks.ensure(name);
  const other = await docker.createContainer({
    ...{ Image: image, Cmd: ["node", "-e", server(200)] },
    Labels: { "teal.platform": namespace },
    HostConfig: { NetworkMode: network, Init: true },
    NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } } },
  });
  await other.start();
  return other;
}

const why = (instance: Instance) => unfit(containers, instance, "shop.localhost");
const isFit = (instance: Instance) => until(15_000, async () => (await why(instance)) === null);

test.before(async (t) => {
  t.timeout(120_000);
  await builder.bases.ensureNamed(image, () => {}, AbortSignal.timeout(100_000));
});
test.after.always(async () => {
  await builder.close();
  await networks.remove(name);
});

test("one that runs where it is on record and answers is fit; what it answers counts", async (t) => {
  t.timeout(60_000);
  await isFit(await start(1));
  const failing = await start(2, 500);
  await until(15_000, async () => (await why(failing)) === "status 500");
  t.is(await strayed(containers, failing), null);
  t.regex((await why({ ...failing, port: 5001 })) ?? "", /ECONNREFUSED/);
});

test("an address that has become another's is not taken for the instance", async (t) => {
  t.timeout(60_000);
  const one = await start(3);
  await isFit(one);
  await containers.stop(one.id);
  t.is(await why(one), "its container does not run");
  const { host = "" } = one;
  const other = await intrude(host);
  const answers = async () => (await fetch(`http://${host}:5000/`)).status === 200;
  await until(15_000, answers);
  t.is(await why(one), "its container does not run", "for all that somebody answers there");
  const made = await containers.idOf(one.id);
  await t.throwsAsync(containers.start(app, one, release(), made ?? ""), {
    message: /already in use/i,
  });
  await other.remove({ force: true });
  await containers.start(app, one, release(), made ?? "");
  await isFit(one);
});

test("one that was moved, and one that is gone, are named as that", async (t) => {
  t.timeout(60_000);
  const one = await start(4);
  await isFit(one);
  const { name: network } = await networks.ensure(name);
  await docker.getNetwork(network).disconnect({ Container: one.id });
  await docker.getNetwork(network).connect({ Container: one.id });
  const { addresses = [] } = (await containers.inspect(one.id)) ?? {};
  t.is(addresses.length, 1);
  t.not(addresses[0], one.host);
  const says = `its container has ${addresses[0]}, and ${one.host} is on record`;
  t.is(await strayed(containers, one), says);
  t.is(await why(one), says);
  await docker.getNetwork(network).disconnect({ Container: one.id });
  t.is(await why(one), `its container has no address, and ${one.host} is on record`);
  await containers.remove(one.id);
  t.is(await why(one), "its container is gone");
});
