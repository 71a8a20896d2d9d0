import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import anyTest, { type TestFn } from "ava";
import type { AppWorld } from "../support/test-app.ts";
import { ask, keepAsking } from "../support/asking.ts";
import { startPlatform, until } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";

interface Context extends AppWorld {
  /** A file system of its own, which only this test fills. */
  disk: string;
}
const test = anyTest as TestFn<Context>;
const APP = "full";
const HOST = `${APP}.localhost`;

test.before(async (t) => {
  t.timeout(120_000);
  const disk = mkdtempSync(join(tmpdir(), "teal-disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1200m", "teal-test", disk]);
  t.context.disk = disk;
  const platform = await startPlatform({ under: disk });
  t.context.platform = platform;
  t.context.repo = createRepo("hello-plain", platform, APP);
  await t.context.repo.init();
  await t.context.repo.goLive({ "version.txt": "v1" });
});

test.after.always(async (t) => {
  t.context.repo?.remove();
  try {
    await t.context.platform?.stop();
  } finally {
    // It is memory: whatever went wrong, it is given back.
    execFileSync("umount", ["-l", t.context.disk]);
    rmdirSync(t.context.disk);
  }
});

/** Writes until nothing more fits. */
function fill(file: string): void {
  const at = openSync(file, "w");
  try {
    for (const size of [1 << 20, 4096]) {
      try {
        for (;;) writeSync(at, Buffer.alloc(size));
      } catch {
        // no space is left for so much
      }
    }
  } finally {
    closeSync(at);
  }
}

test.serial(
  "a full disk: apps serve on, a push is refused, and all is well once there is space",
  async (t) => {
    t.timeout(120_000);
    const { disk, platform, repo } = t.context;
    const load = keepAsking(platform.routerPort, HOST);
    const filler = join(disk, "filler");
    fill(filler);
    const pushed = await repo.push({ "version.txt": "v2" });
    t.log(pushed.text);
    t.not(pushed.status, 0);
    await sleep(3000);
    t.is(await ask(platform.routerPort, HOST), "v1");

    rmSync(filler);
    await until(30_000, async () => (await platform.api("GET", "/health")).status === 200);
    const { deploys } = (await platform.api("GET", `/apps/${APP}/deploys`)).body;
    t.is(deploys.length, 1, "what was refused was never accepted");
    const again = await repo.push({ "version.txt": "v3" });
    t.is(again.status, 0, again.text);
    t.is(await ask(platform.routerPort, HOST), "v3");
    await load.stop();
    t.deepEqual(load.bad, []);
  },
);
