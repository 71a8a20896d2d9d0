import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Deploy } from "../../apps/types.ts";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { ask } from "../support/asking.ts";
import { type Platform, until } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";
import { SLOW_SERVER } from "../support/slow-server.ts";

interface Context extends AppWorld {
  /** By the last push. */
  said: string;
}
const APP = "shop";
const HOST = `${APP}.localhost`;
const test = testApp<Context>({
  ...{ app: APP, fixture: "hello-plain", files: { "version.txt": "one" }, routers: 2 },
});

test.serial.before("two more versions", async (t) => {
  t.timeout(60_000);
  for (const version of ["two", "three"]) {
    t.context.said = await t.context.repo.goLive({ "version.txt": version });
  }
});

async function rollback(platform: Platform, body: object) {
  const asked = await platform.api("POST", `/apps/${APP}/rollback`, body);
  if (asked.status !== 202) throw new Error(JSON.stringify(asked.body));
  return platform.ended(asked.body.deploy.id);
}

test.serial("without a number it swaps back to the warm standby", async (t) => {
  const { platform } = t.context;
  const deploy = await rollback(platform, {});
  t.is(deploy.state, "live", deploy.error);
  t.true(deploy.steps["swapped"]?.["warm"]);
  t.is(await ask(platform.routerPort, HOST), "two");
});

test.serial("what a swap cost is in the deploy's record and in its log", async (t) => {
  const { platform, said } = t.context;
  const { body } = await platform.api("GET", `/apps/${APP}/deploys`);
  const { steps } = (await platform.api("GET", `/deploys/${body.deploys[0].id}`)).body;
  const { swapped } = steps;
  t.like(swapped, { routers: 2, silent: 0, lost: 0, refused: 0 });
  for (const figure of [
    "ms",
    "holdMs",
    "held",
    "heldP50Ms",
    "heldP99Ms",
    "draining",
    "served",
    "retried",
  ])
    t.is(typeof swapped[figure], "number", figure);
  t.true(swapped.holdMs > 0 && swapped.holdMs < 300, `${swapped.holdMs}`);
  const line =
    /2 router\(s\) held \d+ request\(s\) for at most [\d.]+ ms(?: \(p50 [\d.]+ ms, p99 [\d.]+ ms\))?; \d+ drain, \d+ served during the swap, \d+ retried, 0 refused, 0 lost/;
  t.regex(said, line);
});

test.serial(
  "to an older release it starts the kept image in the idle colour, through the same checks",
  async (t) => {
    const { platform } = t.context;
    const deploy = await rollback(platform, { to: 1 });
    t.is(deploy.state, "live", deploy.error);
    t.false(deploy.steps["swapped"]?.["warm"]);
    t.is(await ask(platform.routerPort, HOST), "one");
    const { releases } = (await platform.api("GET", `/apps/${APP}/releases`)).body;
    t.like(releases[0], { n: 5, status: "live", rollbackOf: 1 });
    t.like(releases[1], { n: 4, status: "warm", rollbackOf: 2 });
  },
);

test.serial(
  "a release whose image is gone cannot come back, and says so; nothing else happens",
  async (t) => {
    t.timeout(90_000);
    const { platform } = t.context;
    const release = (await platform.api("GET", `/apps/${APP}/releases/3`)).body;
    // Its container, drained, may still be about to stop.
    await until(30_000, async () => {
      execFileSync("docker", ["rmi", "-f", release.image], { stdio: "pipe" });
      return true;
    });
    const deploy = await rollback(platform, { to: 3 });
    t.is(deploy.state, "failed");
    t.regex(deploy.error ?? "", /image of release v3 of shop is no longer/);
    t.is(await ask(platform.routerPort, HOST), "one");
  },
);

test.serial("a release that never was is an error at once", async (t) => {
  const { platform } = t.context;
  const asked = await platform.api("POST", `/apps/${APP}/rollback`, { to: 99 });
  t.is(asked.status, 404);
  t.is(asked.body.title, "release-not-found");
});

test.serial("a rollback during a push wins: the push is cancelled before its swap", async (t) => {
  t.timeout(60_000);
  const { platform, repo } = t.context;
  const before = await ask(platform.routerPort, HOST);
  writeFileSync(join(repo.dir, "server.js"), SLOW_SERVER);
  const push = repo.push({ "version.txt": "slow" });
  await until(20_000, async () => {
    const [newest] = (await platform.api("GET", `/apps/${APP}/deploys`)).body.deploys;
    return newest.kind === "push" && newest.state === "running";
  });
  const deploy = await rollback(platform, {});
  t.is(deploy.state, "live", deploy.error);
  const pushed = await push;
  t.is(pushed.status, 1);
  t.regex(pushed.text, /cancelled/);
  const now = await ask(platform.routerPort, HOST);
  t.not(now, before);
  t.not(now, "slow");
});

test.serial(
  "of three pushes the one in the middle is superseded, and the last is live",
  async (t) => {
    t.timeout(90_000);
    const { platform } = t.context;
    const clones = await Promise.all(
      ["first", "second", "third"].map(async (version) => {
        const clone = createRepo("hello-plain", platform, APP);
        await clone.init();
        await clone.git("fetch", "-q", "deploy", "main");
        await clone.git("reset", "-q", "--soft", "FETCH_HEAD");
        writeFileSync(join(clone.dir, "server.js"), SLOW_SERVER);
        writeFileSync(join(clone.dir, "version.txt"), version);
        await clone.commit(version);
        return clone;
      }),
    );
    const pushes = [];
    for (const [at, clone] of clones.entries()) {
      pushes.push(clone.git("push", "--force", "deploy", "main"));
      const wanted = at === 0 ? "running" : "queued";
      await until(20_000, async () => {
        const [newest] = (await platform.api("GET", `/apps/${APP}/deploys`)).body.deploys;
        return newest.why === ["first", "second", "third"][at] && newest.state === wanted;
      });
    }
    const ends = await Promise.all(pushes);
    const { deploys } = (await platform.api("GET", `/apps/${APP}/deploys`)).body;
    const states = Object.fromEntries(deploys.map((one: Deploy) => [one.why, one.state]));
    t.like(states, { first: "live", second: "superseded", third: "live" });
    t.is(ends[1]?.status, 1);
    t.regex(ends[1]?.text ?? "", /superseded by shop-\d+/);
    t.is(ends[2]?.status, 0, ends[2]?.text);
    t.is(await ask(platform.routerPort, HOST), "third");
    for (const clone of clones) clone.remove();
  },
);

test.serial("the metrics page has both routers, the web process and the worker", async (t) => {
  const { platform } = t.context;
  const url = `http://127.0.0.1:${platform.apiPort}/metrics`;
  const says = await (await fetch(url)).text();
  for (const router of ["1", "2"]) {
    t.regex(says, new RegExp(`^teal_router_up\\{router="${router}"\\} 1$`, "m"));
    t.regex(
      says,
      new RegExp(`^teal_router_answers_total\\{app="shop",.*router="${router}"\\} \\d+$`, "m"),
    );
  }
  for (const kind of ["web", "worker"])
    t.regex(
      says,
      new RegExp(`^teal_process_cpu_seconds_total\\{process="${kind}",.*\\} [\\d.]+$`, "m"),
    );
  t.regex(says, /^teal_routers 2$/m);
});
