import test from "ava";
import { requestGit, startPushWorld, type PushWorld } from "../support/push-world.ts";

let world: PushWorld;
test.before(async () => {
  world = await startPushWorld();
  const work = await world.repository();
  await work.git(["push", world.remote("shop"), "main"]);
});
test.after.always(() => world?.stop());

test("what is not one of git's three requests does not exist", async (t) => {
  const requests: [method: string, path: string, status: number][] = [
    ["POST", "/git/shop.git/git-upload-archive", 404],
    ["POST", "/git/shop.git/git-receive-pack/", 404],
    ["POST", "/git/shop.git/GIT-RECEIVE-PACK", 404],
    ["POST", "/git/shop.git/git-receive-pack%00", 404],
    ["GET", "/git/shop.git/git-receive-pack", 404],
    ["GET", "/git/shop.git/HEAD", 404],
    ["GET", "/git/shop.git/config", 404],
    ["GET", "/git/shop.git/objects/info/packs", 404],
    ["GET", "/git/shop.git/info/refs", 403],
    ["GET", "/git/shop.git/info/refs?service=git-shell", 403],
    ["GET", "/git/shop.git/info/refs?service=git-upload-pack&service=git-receive-pack", 403],
    ["DELETE", "/git/shop.git/info/refs?service=git-upload-pack", 403],
  ];
  for (const [method, path, status] of requests) {
    t.is((await requestGit(world, method, path)).status, status, `${method} ${path}`);
  }
});

test("a request of another kind than its service is refused", async (t) => {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const { status, text } = await requestGit(world, "POST", "/git/shop.git/git-receive-pack", {
    headers,
    body: "0000",
  });
  t.is(status, 400);
  t.regex(text, /application\/x-git-receive-pack-request/);
});

test("junk instead of git's protocol changes nothing", async (t) => {
  const before = await world.git.readRef("shop", "refs/heads/main");
  for (const body of [
    "",
    "0000",
    "ffff",
    "zzzz",
    "0008\u0000\u0000\u0000\u0000",
    "x".repeat(70_000),
  ]) {
    const headers = { "content-type": "application/x-git-receive-pack-request" };
    const { status } = await requestGit(world, "POST", "/git/shop.git/git-receive-pack", {
      headers,
      body,
    });
    t.true([200, 500].includes(status), `${status}`);
  }
  t.is(await world.git.readRef("shop", "refs/heads/main"), before);
  t.is(world.deploys.length, 1);
});
