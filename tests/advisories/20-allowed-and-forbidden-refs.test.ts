import test from "ava";
import { startPushWorld } from "../support/push-world.ts";

test("one forbidden reference refuses the whole push", async (t) => {
  const world = await startPushWorld();
  try {
    const work = await world.repository();
    t.is((await work.git(["push", world.remote("shop"), "main"])).status, 0);
    const before = await work.head();
    await work.commit({ a: "b" });
    for (const forbidden of ["refs/notes/x", "refs/pull/1/head", "refs/heads/-x", "refs/x"]) {
      const refs = ["main", "HEAD:refs/heads/topic", `HEAD:${forbidden}`];
      const { status, output } = await work.git(["push", world.remote("shop"), ...refs]);
      t.not(status, 0, forbidden);
      t.is(output.match(/pre-receive hook declined/g)?.length, 3, output);
      t.is(await world.git.readRef("shop", "refs/heads/main"), before);
      t.is(await world.git.readRef("shop", "refs/heads/topic"), null);
      t.is(await world.git.readRef("shop", forbidden), null);
    }
    t.is(world.deploys.length, 1);
    const hidden = await work.git([
      "push",
      world.remote("shop"),
      `HEAD:refs/teal/pushes/${before}`,
    ]);
    t.not(hidden.status, 0);
    t.is(await world.git.readRef("shop", `refs/teal/pushes/${before}`), before);
  } finally {
    await world.stop();
  }
});
