import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import test from "ava";
import { requestGit, startPushWorld } from "../support/push-world.ts";

const MiB = 1024 * 1024;

test("a pack larger than the limit is refused while it comes in, and leaves nothing", async (t) => {
  const world = await startPushWorld({ maxInputBytes: MiB });
  try {
    const work = await world.repository({ "large.bin": randomBytes(3 * MiB).toString("hex") });
    const { status, output } = await work.git(["push", world.remote("shop"), "main"]);
    t.not(status, 0);
    t.regex(output, /pack exceeds maximum allowed size|unpack/);
    t.is(await world.store.getApp("shop"), null);
    const left = readdirSync(join(world.reposDir, "shop.git/objects"));
    t.deepEqual(left.toSorted(), ["info", "pack"]);
    t.deepEqual(readdirSync(join(world.reposDir, "shop.git/objects/pack")), []);
  } finally {
    await world.stop();
  }
});

test("a request that unpacks to more than the limit is cut off, with little memory", async (t) => {
  const world = await startPushWorld({ httpLimits: { push: 4 * MiB, fetch: MiB } });
  try {
    const work = await world.repository();
    t.is((await work.git(["push", world.remote("shop"), "main"])).status, 0);
    const bomb = gzipSync(
      Buffer.alloc(256 * MiB, "0032want 0000000000000000000000000000000000000000\n"),
    );
    t.true(bomb.length < 2 * MiB);
    const before = process.memoryUsage().rss;
    for (const service of ["git-upload-pack", "git-receive-pack"]) {
      const headers = {
        "content-type": `application/x-${service}-request`,
        "content-encoding": "gzip",
      };
      const { status } = await requestGit(world, "POST", `/git/shop.git/${service}`, {
        headers,
        body: bomb,
      });
      // Git itself may have had enough first, and says so within an answer or with its status.
      t.true([200, 413, 500].includes(status), `${service}: ${status}`);
    }
    t.true(process.memoryUsage().rss - before < 200 * MiB);
    t.is((await work.git(["ls-remote", world.remote("shop")])).status, 0);
    t.is(world.deploys.length, 1);
  } finally {
    await world.stop();
  }
});

test("a push larger than a request may be is told so", async (t) => {
  const world = await startPushWorld({ httpLimits: { push: 1024, fetch: MiB } });
  try {
    const work = await world.repository({ "a.bin": randomBytes(100_000).toString("hex") });
    const { status, output } = await work.git(["push", world.remote("shop"), "main"]);
    t.not(status, 0);
    t.regex(output, /413|at most 1024 bytes/);
    t.deepEqual(world.deploys, []);
  } finally {
    await world.stop();
  }
});

test("without room on the disk a push is refused before it is taken", async (t) => {
  const world = await startPushWorld({ minFreeBytes: Number.MAX_SAFE_INTEGER });
  try {
    const work = await world.repository();
    const { status, output } = await work.git(["push", world.remote("shop"), "main"]);
    t.not(status, 0);
    t.regex(output, /A push needs \d+ MiB of free disk/);
  } finally {
    await world.stop();
  }
});
