import test from "ava";
import { createDocker } from "../../../../workers/engine/client.ts";
import { addressIn, createNetworks } from "../../../../workers/engine/network.ts";
import { removeDockerRemains } from "../../../support/docker-remains.ts";

const namespace = `tealtest-net-${process.pid}`;
const docker = createDocker();
/** As two workers on one machine have them. */
const [one, two] = [0, 1].map(() =>
  createNetworks(docker, { namespace, pool: "10.215.76.0/23" }),
) as [ReturnType<typeof createNetworks>, ReturnType<typeof createNetworks>];

test.after.always(() => removeDockerRemains(namespace));

async function subnetOf(app: string): Promise<string> {
  const { IPAM } = await docker.getNetwork(`${namespace}-${app}`).inspect();
  return String(IPAM?.Config?.[0]?.Subnet);
}

test.serial("workers agree on an app's network, also when they make it at once", async (t) => {
  const wanted = [one, two, one, two].map((networks) => networks.ensure("both"));
  const [made, ...others] = await Promise.all(wanted);
  if (!made) throw new Error("no network");
  t.deepEqual(others, [made, made, made]);
  // The engine itself refuses to look at a name that two have.
  t.is(await subnetOf("both"), `${addressIn(made, 0)}/25`);
});

test.serial("a new app of a name gets addresses of its own network, of every worker", async (t) => {
  const before = await one.ensure("shop");
  await two.remove("shop");
  // Another app takes the range that became free.
  t.is((await two.ensure("blog")).base, before.base);
  const after = await two.ensure("shop");
  t.not(after.base, before.base);
  t.deepEqual(await one.ensure("shop"), after);
  t.is(await subnetOf("shop"), `${addressIn(after, 0)}/25`);
});

test.serial("a network that somebody removed is made anew", async (t) => {
  await one.ensure("gone");
  await docker.getNetwork(`${namespace}-gone`).remove();
  const again = await one.ensure("gone");
  t.is(await subnetOf("gone"), `${addressIn(again, 0)}/25`);
});
