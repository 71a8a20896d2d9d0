import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { startApi, type TestApi } from "../../support/api.ts";
import { runCli } from "../../support/run-cli.ts";

let api: TestApi;
let other: TestApi;
test.before(async () => {
  [api, other] = await Promise.all([startApi(), startApi()]);
  await api.store.createApp("shop", "ann");
  await other.store.createApp("wiki", "ann");
});
test.after.always(() => Promise.all([api?.stop(), other?.stop()]));

/** A home of its own, and the command line in it. */
function user(t: { teardown(fn: () => void): void }) {
  const home = mkdtempSync(join(tmpdir(), "teal-login-"));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  const teal = (args: string[], input = "", env: Record<string, string> = {}) =>
    runCli(args, { env: { HOME: home, ...env }, cwd: home, input });
  return { home, file: join(home, ".config", "teal", "contexts.json"), teal };
}

test("one signs in at several platforms, and commands speak to the one in use or the one named", async (t) => {
  const { teal, file } = user(t);
  const first = await teal(["login", api.url, "--context", "home"], `${api.tokens.admin}\n`);
  t.is(first.code, 0, first.stderr);
  t.regex(first.stdout, /Signed in at http:.* as ann \(admin\); context home is in use/);
  t.is(statSync(file).mode & 0o777, 0o600);
  t.is(statSync(join(file, "..")).mode & 0o777, 0o700);
  t.is((await teal(["login", other.url], other.tokens.admin)).code, 0);
  t.regex((await teal(["apps"])).stdout, /wiki/);
  t.regex((await teal(["apps", "--context", "home"])).stdout, /shop/);
  t.regex((await teal(["--context", "home", "apps"])).stdout, /shop/);
  t.regex((await teal(["apps"], "", { TEAL_CONTEXT: "home" })).stdout, /shop/);
  const listed = JSON.parse((await teal(["contexts", "--json"])).stdout);
  t.deepEqual(
    listed.map(({ name, current }: any) => [name, current]),
    [
      ["home", false],
      [new URL(other.url).host, true],
    ],
  );
  t.false(JSON.stringify(listed).includes("teal_"));
  t.is((await teal(["contexts:use", "home"])).code, 0);
  t.regex((await teal(["apps"])).stdout, /shop/);
  const env = { TEAL_URL: other.url, TEAL_TOKEN: other.tokens.admin };
  t.regex((await teal(["apps"], "", env)).stdout, /wiki/);
  t.is((await teal(["apps", "--context", "none"])).code, 4);
  t.is((await teal(["contexts:use", "none"])).code, 4);
  t.is((await teal(["logout"])).code, 0);
  t.false(readFileSync(file, "utf8").includes(api.tokens.admin));
  t.is((await teal(["contexts:remove", "home"])).code, 4);
});

test("a wrong token, an address with one in it and a wrong name are refused, and nothing is kept", async (t) => {
  const { teal, file } = user(t);
  t.is((await teal(["login", api.url], `teal_${"x".repeat(43)}`)).code, 3);
  t.is((await teal(["login", api.url], "")).code, 2);
  const secret = await teal(["login", api.url.replace("//", "//x:secret@")], api.tokens.admin);
  t.is(secret.code, 2);
  t.false(secret.stderr.includes("secret"));
  t.is((await teal(["login", api.url, "--context", "../x"], api.tokens.admin)).code, 2);
  t.throws(() => readFileSync(file), { code: "ENOENT" });
  t.not((await teal(["login", "ftp://x"], "x")).code, 0);
});

test("an invitation is spent for a token of one's own", async (t) => {
  const { teal } = user(t);
  await api.access.users.add({ name: "ivo", role: "member", by: "ann" });
  const { invitation } = await api.access.users.invite("ivo");
  const signedIn = await teal(["login", api.url], invitation);
  t.is(signedIn.code, 0, signedIn.stderr);
  t.regex(signedIn.stdout, /as ivo/);
  t.regex((await teal(["whoami"])).stdout, /^ivo /);
  t.is((await teal(["login", api.url], invitation)).code, 3);
});

test("a file of contexts that is none is an error, and is left as it is", async (t) => {
  const { teal, file } = user(t);
  await teal(["login", api.url], api.tokens.admin);
  writeFileSync(file, "{");
  const { code, stderr } = await teal(["apps"]);
  t.is(code, 1);
  t.regex(stderr, /expected to hold contexts/);
  t.is(readFileSync(file, "utf8"), "{");
});

test("over SSH nobody signs in or opens a browser on the platform's machine", async (t) => {
  const { teal } = user(t);
  const env = {
    TEAL_OVER_SSH: "1",
    TEAL_URL: api.url,
    TEAL_TOKEN: api.tokens.admin,
    DISPLAY: ":0",
  };
  for (const args of [["login", api.url], ["logout"], ["contexts"], ["contexts:use", "x"]])
    t.is((await teal(args, "", env)).code, 2, args.join(" "));
  const opened = JSON.parse((await teal(["open", "-a", "shop", "--json"], "", env)).stdout);
  t.deepEqual(opened, { url: "http://shop.teal.test:8080/", opened: false });
});
