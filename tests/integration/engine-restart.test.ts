import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import anyTest, { type TestFn } from "ava";
import type { AppWorld } from "../support/test-app.ts";
import { ask, keepAsking } from "../support/asking.ts";
import { containersOf } from "../support/docker-remains.ts";
import { type OwnDockerd, startOwnDockerd } from "../support/own-dockerd.ts";
import { type Platform, startPlatform, until } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";

interface Context extends AppWorld {
  dockerd: OwnDockerd;
}
const test = anyTest as TestFn<Context>;
const APP = "steady";
const HOST = `${APP}.localhost`;

test.before(async (t) => {
  t.timeout(180_000);
  const list = ["images", "--format", "{{.Repository}}:{{.Tag}}"];
  // What the app is built from and what it runs on: neither is made anew.
  const bases = ["teal/base/node", "teal/base/node-run"].flatMap((name) =>
    execFileSync("docker", [...list, name], { encoding: "utf8" })
      .split("\n")
      .filter(Boolean),
  );
  const dockerd = await startOwnDockerd(bases);
  t.context.dockerd = dockerd;
  // For the docker client of this test too.
  process.env["DOCKER_HOST"] = dockerd.host;
  // A lease of two seconds: the reconciler looks once a second.
  const env = { DOCKER_HOST: dockerd.host, TEAL_NETWORK_POOL: "10.215.0.0/17", TEAL_LEASE: "2" };
  t.context.platform = await startPlatform({ routers: 2, env });
  t.context.repo = createRepo("hello-plain", t.context.platform, APP);
  await t.context.repo.init();
  await t.context.repo.goLive({ "version.txt": "v1" });
});

test.after.always(async (t) => {
  t.timeout(90_000);
  t.context.repo?.remove();
  await t.context.platform?.stop();
  await t.context.dockerd?.stop();
});

const live = async ({ namespace }: Platform): Promise<string[]> =>
  (await containersOf(namespace)).toSorted();

test.serial("dockerd killed and started again: apps serve on, and none runs twice", async (t) => {
  t.timeout(120_000);
  const { dockerd, platform } = t.context;
  const load = keepAsking(platform.routerPort, HOST);
  const before = await live(platform);
  await dockerd.kill("SIGKILL");
  await sleep(2500);
  t.is(await ask(platform.routerPort, HOST), "v1");
  await dockerd.start();
  await sleep(2500);
  t.deepEqual(await live(platform), before);
  await load.stop();
  t.deepEqual(load.bad, []);
  t.true(load.asked() > 100);
});

test.serial("a push while dockerd is away waits for it, and goes live", async (t) => {
  t.timeout(120_000);
  const { dockerd, platform, repo } = t.context;
  const load = keepAsking(platform.routerPort, HOST);
  await dockerd.kill("SIGTERM");
  const push = repo.push({ "version.txt": "v2" });
  await sleep(3000);
  t.is(await ask(platform.routerPort, HOST), "v1", "the live colour has not noticed");
  await dockerd.start();
  const pushed = await push;
  t.is(pushed.status, 0, pushed.text);
  t.is(await ask(platform.routerPort, HOST), "v2");
  await load.stop();
  t.deepEqual(load.bad, []);
  t.deepEqual([...load.versions].toSorted(), ["v1", "v2"]);
  await until(20_000, async () => (await live(platform)).length === 2);
});
