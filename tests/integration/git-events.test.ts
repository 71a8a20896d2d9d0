import test from "ava";
import { eventually, requestGit, startPushWorld, type PushWorld } from "../support/push-world.ts";
import { createSshUser, type SshUser } from "../support/ssh-client.ts";

let world: PushWorld;
let admin: SshUser;
test.before(async () => {
  world = await startPushWorld();
  admin = await createSshUser(world, "ann", "admin");
});
test.after.always(() => world?.stop());

const newest = async (action: string) =>
  eventually(async () => (await world.audit.list({ limit: 5 })).find((e) => e.action === action));

test.serial("pushes over HTTP and SSH, taken and refused, are in the audit log", async (t) => {
  const work = await world.repository();
  const commit = (await work.head()).slice(0, 12);
  t.is((await work.git(["push", world.remote("shop"), "main"])).status, 0);
  const detail = { commit, ref: "refs/heads/main" };
  const over = { over: "git", address: "127.0.0.1", outcome: "done" } as const;
  t.like(await newest("push"), { who: "ada", app: "shop", deploy: "shop-1", detail, ...over });

  const bySsh = await work.git(["push", admin.remote("wiki"), "main"], admin.env);
  t.is(bySsh.status, 0, bySsh.output);
  t.like(await newest("push"), { who: "ann", app: "wiki", deploy: "wiki-1", over: "ssh" });

  await work.git(["push", world.remote("shop"), "main:topic"]);
  t.like(await newest("push"), { detail: { refs: "refs/heads/topic" }, outcome: "done" });
  await work.git(["push", world.remote("shop"), "main:refs/heads/a'b"]);
  t.like(await newest("push"), { outcome: "failed", error: "bad-ref" });

  const reader = await world.token({ name: "rea", role: "read", apps: ["shop"] });
  await work.git(["push", world.remote("shop", reader), "main"]);
  t.like(await newest("push"), { who: "rea", outcome: "refused", error: "not-allowed" });
});

test.serial("who comes in, and who does not, by a wrong token or an unknown key", async (t) => {
  const path = "/git/shop.git/info/refs?service=git-receive-pack";
  t.is((await requestGit(world, "GET", path, { secret: `teal_${"x".repeat(43)}` })).status, 401);
  const refused = { who: null, outcome: "refused", error: "not-signed-in" };
  t.like(await newest("sign-in"), { ...refused, over: "git" });
  const gone = await createSshUser(world, "gone", "admin");
  await gone.ssh(["version"]);
  t.like(await newest("sign-in"), { who: "gone", over: "ssh", outcome: "done" });
  await world.access.removeKey(gone.fingerprint);
  t.is((await gone.ssh(["version"])).status, 255);
  const last = await eventually(async () =>
    (await world.audit.list({ limit: 3 })).find((e) => e.over === "ssh" && e.who === null),
  );
  t.like(last, { ...refused, over: "ssh", address: "127.0.0.1" });
  t.false(JSON.stringify(await world.audit.list({ limit: 100 })).includes(world.admin));
});
