import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { createAccess, type Access, type Identity } from "../../../apps/access.ts";
import { keys } from "../../../apps/keys.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

const dir = mkdtempSync(join(tmpdir(), "teal-access-"));
const ADA: Identity = { name: "ada", role: "admin", apps: "*" };
let server: TestRedis;
let access: Access;
test.before(async () => {
  server = await startRedis();
  access = createAccess(server.connect());
});
test.after.always(async () => {
  await server?.stop();
  rmSync(dir, { recursive: true, force: true });
});

function newKey(...args: string[]): string {
  const file = join(dir, `key-${Math.random()}`);
  execFileSync("ssh-keygen", ["-q", "-N", "", "-C", "ada@laptop", "-f", file, ...args]);
  return file;
}

test("a token is verified by its secret until it is revoked, and the secret is not kept", async (t) => {
  const { id, secret } = await access.createToken(ADA);
  t.regex(secret, /^teal_[\w-]{43}$/);
  t.deepEqual(await access.verifyToken(secret), ADA);
  const stored = JSON.stringify(await server.connect().hgetall(keys.tokens));
  t.false(stored.includes(secret) || stored.includes(secret.slice(5)));
  t.true((await access.listTokens()).some((token) => token.id === id && token.name === "ada"));
  t.true(await access.revokeToken(id));
  t.false(await access.revokeToken(id));
  t.is(await access.verifyToken(secret), null);
});

test("what is no token is nobody", async (t) => {
  const { secret } = await access.createToken(ADA);
  for (const wrong of [
    "",
    "teal_",
    secret.slice(0, -1),
    `${secret}x`,
    secret.toUpperCase(),
    ` ${secret}`,
    "__proto__",
  ]) {
    t.is(await access.verifyToken(wrong), null, wrong);
  }
});

test("a token with a time to live ends by itself and is forgotten", async (t) => {
  const { id, secret } = await access.createToken({ ...ADA, ttlMs: -1 });
  t.is(await access.verifyToken(secret), null);
  t.false((await access.listTokens()).some((token) => token.id === id));
  const lasting = await access.createToken({ ...ADA, ttlMs: 60_000 });
  t.deepEqual(await access.verifyToken(lasting.secret), ADA);
});

test("names and roles are checked", async (t) => {
  for (const name of ["", "x".repeat(65), "a\nb", "a\u001b[2J", "a\u202eb"]) {
    await t.throwsAsync(access.createToken({ ...ADA, name }), { message: /printable/ }, name);
  }
  const role = "toString" as "admin";
  await t.throwsAsync(access.createToken({ ...ADA, role }), { message: /toString is not/ });
});

test("a key is found by the fingerprint that ssh-keygen prints, until it is removed", async (t) => {
  for (const args of [
    ["-t", "ed25519"],
    ["-t", "ecdsa", "-b", "384"],
    ["-t", "rsa", "-b", "2048"],
  ]) {
    const file = newKey(...args);
    const publicKey = readFileSync(`${file}.pub`, "utf8");
    const printed = execFileSync("ssh-keygen", ["-l", "-f", `${file}.pub`], { encoding: "utf8" });
    const { fingerprint } = await access.addKey({ ...ADA, publicKey });
    t.true(printed.includes(fingerprint));
    t.like(await access.findKey(fingerprint), { identity: ADA });
    t.true((await access.listKeys()).some((key) => key.fingerprint === fingerprint));
    t.true(await access.removeKey(fingerprint));
    t.is(await access.findKey(fingerprint), null);
    t.false(await access.removeKey(fingerprint));
  }
});

test("what is no public key of a good kind is refused with a sentence", async (t) => {
  const file = newKey("-t", "ed25519");
  const good = readFileSync(`${file}.pub`, "utf8");
  const weak = readFileSync(`${newKey("-t", "rsa", "-b", "1024")}.pub`, "utf8");
  for (const publicKey of [
    "",
    "hello",
    readFileSync(file, "utf8"),
    good.slice(0, 40),
    `ssh-rsa ${good.split(" ")[1]}`,
    `command="x" ${good}`,
    weak,
  ]) {
    const wish = access.addKey({ ...ADA, publicKey });
    await t.throwsAsync(wish, { name: "TealError", message: /key/ }, publicKey);
  }
});

test("the admin's token is made once, for its owner alone, and known again after the store lost it", async (t) => {
  const file = join(dir, "deep/admin-token");
  const made = await Promise.all([1, 2, 3, 4].map(() => access.ensureAdminToken(file)));
  t.is(new Set(made).size, 1);
  t.is(statSync(file).mode & 0o777, 0o600);
  t.is(readFileSync(file, "utf8").trim(), made[0]!);
  t.like(await access.verifyToken(made[0]!), { role: "admin", apps: "*" });
  t.true(await access.revokeToken("admin"));
  t.is(await access.ensureAdminToken(file), made[0]!);
  t.like(await access.verifyToken(made[0]!), { role: "admin" });
  writeFileSync(file, "hello");
  await t.throwsAsync(access.ensureAdminToken(file), { message: /remove it/ });
});

test("each role may do what it says, on its apps", (t) => {
  const deploy: Identity = { name: "d", role: "deploy", apps: ["shop"] };
  const read: Identity = { name: "r", role: "read", apps: ["shop"] };
  const all: Identity = { name: "a", role: "deploy", apps: "*" };
  const table: [Identity, string][] = [
    [
      { ...ADA, apps: [] },
      "admin:shop push:shop read:shop admin push read admin:blog push:blog read:blog",
    ],
    [deploy, "push:shop read:shop push read"],
    [read, "read:shop read"],
    [all, "push:shop read:shop push read push:blog read:blog"],
  ];
  for (const [identity, expected] of table) {
    for (const app of [undefined, "shop", "blog"]) {
      for (const action of ["admin", "push", "read"] as const) {
        const wanted = expected.split(" ").includes(app ? `${action}:${app}` : action);
        t.is(access.may(identity, action, app), wanted, `${identity.name} ${action} ${app}`);
      }
    }
  }
});
