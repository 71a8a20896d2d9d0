import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { startPushWorld, type PushWorld } from "../support/push-world.ts";

let world: PushWorld;
test.before(async () => {
  world = await startPushWorld();
  const work = await world.repository();
  await work.git(["push", world.remote("shop"), "main"]);
});
test.after.always(() => world?.stop());

test("a branch or tag that looks like an option is refused", async (t) => {
  const work = await world.repository();
  const canary = join(world.dir, "canary");
  for (const ref of [
    "refs/heads/--exec=touch${IFS}canary",
    "refs/heads/-u",
    "refs/tags/--output=x",
    "refs/heads/a/--upload-pack=x",
  ]) {
    const { status, output } = await work.git(["push", world.remote("shop"), `HEAD:${ref}`]);
    t.not(status, 0, ref);
    t.regex(output, /A branch or tag whose parts begin with a letter/, ref);
  }
  t.false(existsSync(canary));
});

test("a commit is a full object id and nothing else before it reaches git", async (t) => {
  const canary = join(world.dir, "canary");
  for (const hostile of [
    `--output=${canary}`,
    "HEAD",
    "main",
    "-v",
    "",
    "a".repeat(39),
    `${"a".repeat(40)}\n`,
  ]) {
    t.throws(() => world.git.archive("shop", hostile), { message: /full object id/ });
    await t.throwsAsync(world.git.inspect("shop", hostile), { message: /full object id/ });
    await t.throwsAsync(world.git.pin("shop", hostile), { message: /full object id/ });
    await t.throwsAsync(world.git.moveRef("shop", "refs/heads/main", hostile, null), {
      message: /full object id/,
    });
  }
  t.is(await world.git.readRef("shop", `--git-dir=${canary}`), null);
  await t.throwsAsync(world.git.moveRef("shop", "--stdin", null, null), {
    message: /not a branch/,
  });
  t.false(existsSync(canary));
});
