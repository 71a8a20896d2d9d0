import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { startPushWorld } from "../support/push-world.ts";

test("a reference's name cannot become a command, a path or another name", async (t) => {
  const world = await startPushWorld();
  try {
    const work = await world.repository();
    const canary = join(world.dir, "canary");
    const names = [
      "$(touch${IFS}canary)",
      "`id`",
      "a;b",
      "a|b",
      "a&b",
      "a'b",
      'a"b',
      "a<b",
      "%2e%2e",
      "a,b",
      "{a}",
      "a!b",
      "(a)",
      "a\u202eb",
      "\u200bx",
      "x".repeat(240),
    ];
    for (const name of names) {
      const { status, output } = await work.git([
        "push",
        world.remote("shop"),
        `HEAD:refs/heads/${name}`,
      ]);
      t.not(status, 0, name);
      t.regex(output, /A branch or tag whose parts begin/, name);
    }
    t.is(await world.store.getApp("shop"), null);
    t.false(existsSync(canary));
    const good = ["feature/login", "v1.2.3", "fix_#12", "umlaut-ä", "日本", "release+2", "a@b"];
    const { status, output } = await work.git([
      "push",
      world.remote("shop"),
      ...good.map((name) => `HEAD:refs/heads/${name}`),
    ]);
    t.is(status, 0, output);
  } finally {
    await world.stop();
  }
});
