import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { isTealError } from "../../../apps/errors.ts";
import { createSecrets, loadSecrets, openConfig } from "../../../apps/secrets.ts";

const secrets = createSecrets(randomBytes(32));

test("what was sealed is opened as it was", (t) => {
  for (const value of ["", "x", "naïve\nlines\t€", "y".repeat(64 * 1024)]) {
    t.is(secrets.open("shop", "A", secrets.seal("shop", "A", value)), value);
  }
});

test("the same value is never sealed alike, and shows in no seal", (t) => {
  const [one, two] = [secrets.seal("shop", "A", "s3cr3t"), secrets.seal("shop", "A", "s3cr3t")];
  t.not(one, two);
  t.false(Buffer.from(one, "base64url").includes("s3cr3t"));
});

test("a seal opens with its own key, app and name alone, and only whole", (t) => {
  const sealed = secrets.seal("shop", "A", "s3cr3t");
  const raw = Buffer.from(sealed.slice(3), "base64url");
  const spoilt = [...raw.keys()].map((at) => {
    const copy = Buffer.from(raw);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return `v1.${copy.toString("base64url")}`;
  });
  const attempts = [
    () => createSecrets(randomBytes(32)).open("shop", "A", sealed),
    () => secrets.open("blog", "A", sealed),
    () => secrets.open("shop", "B", sealed),
    ...["", "v1.", "v2.abc", sealed.slice(0, -4), ...spoilt].map(
      (text) => () => secrets.open("shop", "A", text),
    ),
  ];
  for (const attempt of attempts) {
    const error = t.throws(attempt);
    t.true(isTealError(error, "secret-unreadable"));
    t.notRegex(error?.message ?? "", /s3cr3t/);
  }
});

test("the key file is made once, for its owner alone, whoever comes first", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "teal-key-"));
  const file = join(dir, "secret-key");
  const all = await Promise.all(Array.from({ length: 8 }, () => loadSecrets(file)));
  t.is(statSync(file).mode & 0o777, 0o600);
  const sealed = all[0]?.seal("shop", "A", "x") ?? "";
  for (const one of all) t.is(one.open("shop", "A", sealed), "x");
  writeFileSync(file, "short");
  await t.throwsAsync(loadSecrets(file), { message: /64 hex digits/ });
  rmSync(dir, { recursive: true });
});

test("a release without config has none to open", (t) => {
  t.deepEqual(openConfig(secrets, { app: "shop" }), {});
});
