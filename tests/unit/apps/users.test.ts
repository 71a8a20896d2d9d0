import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { createAccess, type Access } from "../../../apps/access.ts";
import { createRedisStore } from "../../../apps/store-redis.ts";
import type { Store } from "../../../apps/store.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

const dir = mkdtempSync(join(tmpdir(), "teal-users-"));
let server: TestRedis;
let access: Access;
let store: Store;
test.before(async () => {
  server = await startRedis();
  access = createAccess(server.connect());
  store = createRedisStore(server.connect());
  for (const app of ["shop", "blog"]) await store.createApp(app, "ann");
});
test.after.always(async () => {
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

const WHOLE = { role: "admin", apps: "*" } as const;
const member = (name: string) => access.users.add({ name, role: "member", by: "ann" });
const tokenOf = async (
  user: string,
  scope: { role: "admin" | "read"; apps: "*" | string[] } = WHOLE,
) => (await access.createToken({ name: "laptop", user, ...scope })).secret;
function publicKey(name: string): string {
  execFileSync("ssh-keygen", ["-q", "-N", "", "-t", "ed25519", "-f", join(dir, name)]);
  return readFileSync(join(dir, `${name}.pub`), "utf8");
}

test("a member's token does what the user may now, app by app, and no more than its scope", async (t) => {
  await member("max");
  const secret = await tokenOf("max");
  const may = async (action: "admin" | "push" | "read", app: string, which = secret) => {
    const identity = await access.verifyToken(which);
    return identity !== null && access.may(identity, action, app);
  };
  t.false(await may("read", "shop"));
  await access.users.grant("max", "shop", "deploy");
  await access.users.grant("max", "blog", "read");
  t.true(await may("push", "shop"));
  t.true(await may("read", "blog"));
  t.false(await may("push", "blog"));
  t.false(await may("admin", "shop"));
  const reads = await tokenOf("max", { role: "read", apps: "*" });
  t.false(await may("push", "shop", reads));
  t.true(await may("read", "shop", reads));
  const blogOnly = await tokenOf("max", { role: "admin", apps: ["blog"] });
  t.false(await may("read", "shop", blogOnly));
  await access.users.withdraw("max", "shop");
  t.false(await may("read", "shop"));
  t.is((await access.verifyToken(secret))?.name, "max");
});

test("a user who is removed has nothing left: tokens, sessions, keys, roles, invitations", async (t) => {
  await member("gus");
  await access.users.grant("gus", "shop", "deploy");
  const secret = await tokenOf("gus");
  const identity = (await access.verifyToken(secret))!;
  const session = await access.createToken({ ...identity, under: secret, session: true });
  const key = publicKey("gus");
  const { fingerprint } = await access.addKey({
    name: "laptop",
    user: "gus",
    ...WHOLE,
    publicKey: key,
  });
  const { invitation } = await access.users.invite("gus");
  t.truthy(await access.verifyToken(session.secret));
  t.is((await access.findKey(fingerprint))?.identity.name, "gus");
  await access.users.remove("gus");
  t.is(await access.verifyToken(secret), null);
  t.is(await access.verifyToken(session.secret), null);
  t.is(await access.findKey(fingerprint), null);
  t.false((await access.users.collaborators("shop")).some(({ user }) => user === "gus"));
  t.false((await access.listTokens()).some((token) => token.user === "gus"));
  await t.throwsAsync(access.users.remove("gus"), { message: /no user gus/ });
  // The same name, later, is somebody else.
  await member("gus");
  t.is(await access.accept(invitation, { address: "192.0.2.1" }), null);
  t.deepEqual((await access.users.holder("gus"))?.grants, {});
});

test("rights end with their app: one of the same name is nobody's", async (t) => {
  const { id } = await store.createApp("brief", "ann");
  await member("bea");
  await access.users.grant("bea", "brief", "deploy");
  await access.users.grant("bea", "blog", "read");
  const both = (await access.createToken({ name: "both", role: "deploy", apps: ["brief", "blog"] }))
    .secret;
  const only = (await access.createToken({ name: "only", role: "deploy", apps: ["brief"] })).secret;
  await store.destroyApp("brief");
  await store.forgetApp("brief", id);
  await store.createApp("brief", "ann");
  t.deepEqual((await access.users.holder("bea"))?.grants, { blog: "read" });
  t.deepEqual((await access.verifyToken(both))?.apps, ["blog"]);
  t.is(await access.verifyToken(only), null);
});

test("names, roles and apps that are not there are refused", async (t) => {
  for (const name of ["Ann", "admin", "", "a b", "../x", "x".repeat(40), "__proto__"])
    await t.throwsAsync(access.users.add({ name, role: "member", by: "ann" }), {
      message: /user's name/,
    });
  await member("dup");
  await t.throwsAsync(member("dup"), { message: /already a user dup/ });
  await t.throwsAsync(access.users.grant("dup", "nosuch", "read"), {
    message: /no app named nosuch/,
  });
  await t.throwsAsync(access.users.grant("nosuch", "shop", "read"), { message: /no user nosuch/ });
  await t.throwsAsync(access.users.withdraw("dup", "shop"), { message: /no user dup there/ });
});

test("a token is listed with when it was last used, and a session with what it is", async (t) => {
  const { id, secret } = await access.createToken({ name: "used", role: "read", apps: "*" });
  const find = async () => (await access.listTokens()).find((token) => token.id === id)!;
  t.is((await find()).lastUsedAt, undefined);
  await access.verifyToken(secret);
  for (let i = 0; i < 50 && (await find()).lastUsedAt === undefined; i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.true(Math.abs((await find()).lastUsedAt! - Date.now()) < 5000);
});
