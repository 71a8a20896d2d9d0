import test from "ava";
import { requestGit, startPushWorld, type PushWorld } from "../support/push-world.ts";
import { createSshUser } from "../support/ssh-client.ts";

let world: PushWorld;
test.before(async () => {
  world = await startPushWorld();
  const work = await world.repository();
  await work.git(["push", world.remote("shop"), "main"]);
});
test.after.always(() => world?.stop());

test("a request that names another service than its path is refused", async (t) => {
  const headers = { "content-type": "application/x-git-receive-pack-request" };
  const path = "/git/shop.git/git-receive-pack?service=git-upload-pack";
  t.is((await requestGit(world, "POST", path, { headers, body: "0000" })).status, 403);
  t.is(
    (await requestGit(world, "POST", `${path}&service=git-receive-pack`, { headers, body: "0000" }))
      .status,
    403,
  );
});

test("a token or key that may only read cannot push, by any way", async (t) => {
  const secret = await world.token({ name: "reader", role: "read", apps: ["shop"] });
  const reader = await createSshUser(world, "reader", "read", ["shop"]);
  const work = await world.repository();
  const http = await work.git(["push", "--force", world.remote("shop", secret), "main"]);
  t.not(http.status, 0);
  t.regex(http.output, /403|may not push/);
  const ssh = await work.git(["push", "--force", reader.remote("shop"), "main"], reader.env);
  t.not(ssh.status, 0);
  t.regex(ssh.output, /reader may not push to shop/);
  const headers = { "content-type": "application/x-git-receive-pack-request" };
  const direct = await requestGit(world, "POST", "/git/shop.git/git-receive-pack", {
    headers,
    body: "0000",
    secret,
  });
  t.is(direct.status, 403);
  t.is((await work.git(["ls-remote", world.remote("shop", secret)])).status, 0);
  t.is(world.deploys.length, 1);
});

test("an app of others is as if it were not there", async (t) => {
  const secret = await world.token({ name: "other", role: "deploy", apps: ["blog"] });
  const path = (app: string) => `/git/${app}.git/info/refs?service=git-receive-pack`;
  const foreign = await requestGit(world, "GET", path("shop"), { secret });
  const missing = await requestGit(world, "GET", path("none"), { secret });
  t.is(foreign.status, 404);
  t.is(foreign.text.replace("shop", "none"), missing.text);
  t.is(missing.status, 404);
});

test("without a valid token nothing is answered but what to bring", async (t) => {
  const path = "/git/shop.git/info/refs?service=git-upload-pack";
  for (const secret of [null, "", "teal_wrong", `teal_${"x".repeat(43)}`]) {
    const { status, headers } = await requestGit(world, "GET", path, { secret });
    t.is(status, 401);
    t.regex(String(headers["www-authenticate"]), /^Basic /);
  }
  const inQuery = `${path}&token=${world.admin}&access_token=${world.admin}`;
  t.is((await requestGit(world, "GET", inQuery, { secret: null })).status, 401);
});
