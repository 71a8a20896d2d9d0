import { readdirSync } from "node:fs";
import test from "ava";
import { requestGit, startPushWorld, type PushWorld } from "../support/push-world.ts";
import { createSshUser } from "../support/ssh-client.ts";

const NAMES = [
  "..",
  ".",
  "../shop",
  "%2e%2e",
  "..%2fshop",
  "shop%00",
  "shop%2f..%2fshop",
  ".git",
  ".git/hooks",
  "shop.git/hooks",
  "Shop",
  "-x",
  "a".repeat(32),
  "shop\\..",
  "sh%20op",
  "сhop",
  ".home",
];

let world: PushWorld;
test.before(async () => {
  world = await startPushWorld();
  const work = await world.repository();
  await work.git(["push", world.remote("shop"), "main"]);
});
test.after.always(() => world?.stop());

test("over HTTP a name that is no app's name is not found, and makes nothing", async (t) => {
  for (const name of NAMES) {
    for (const suffix of ["", ".git"]) {
      const path = `/git/${encodeURI(decodeURI(name.replaceAll("%", "%25"))).replaceAll("%25", "%")}${suffix}/info/refs?service=git-receive-pack`;
      t.is((await requestGit(world, "GET", path)).status, 404, path);
    }
  }
  t.deepEqual(readdirSync(world.reposDir).toSorted(), [".home", "shop.git"]);
});

test("over SSH such a name is refused too", async (t) => {
  const admin = await createSshUser(world, "admin", "admin");
  for (const name of NAMES.filter((one) => !one.includes("%"))) {
    const { status } = await admin.ssh([`git-receive-pack '${name}'`]);
    t.is(status, 2, name);
  }
  t.deepEqual(readdirSync(world.reposDir).toSorted(), [".home", "shop.git"]);
});

test("the repositories themselves take no such name", async (t) => {
  for (const name of NAMES) {
    await t.throwsAsync(world.git.init(name), { name: "TealError" }, name);
    t.throws(() => world.git.spawnService(name, "upload-pack"), { name: "TealError" }, name);
    t.throws(() => world.git.remove(name), { name: "TealError" }, name);
  }
});
