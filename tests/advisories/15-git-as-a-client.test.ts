import { existsSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { parseRepoUrl } from "../../apps/fetch-source.ts";
import type { FetchWay } from "../../apps/git.ts";
import { isTealError } from "../../apps/errors.ts";
import { startPushWorld, type PushWorld } from "../support/push-world.ts";

let world: PushWorld;
test.before(async () => {
  world = await startPushWorld();
});
test.after.always(() => world?.stop());

test("no address of a repository is an option, another transport, or a shell's word", (t) => {
  const hostile = [
    "ext::sh -c touch% /tmp/x",
    "EXT::sh -c x",
    "--upload-pack=touch /tmp/x",
    "-u./touch",
    "-c core.sshCommand=x",
    "--config=x",
    "fd::17/foo",
    "file:///etc",
    "/etc",
    "./repo",
    "git://example.com/x",
    "ftp://example.com/x",
    "ssh://-oProxyCommand=x/x",
    "ssh://-oProxyCommand=x@example.com/x",
    "ssh://git@-oProxyCommand=x/x",
    "-oProxyCommand=x@example.com:x",
    "git@example.com:-x",
    "git@-example.com:x",
    "ssh://git@example.com/$(x) y",
    "https://user:password@example.com/x",
    "https://example.com/x y",
    "https://example.com/x?y=z",
    "https://example.com/x#y",
    "https://exa mple.com/x",
    "https:///x",
    "https://example.com",
    "javascript:alert(1)",
    "",
    "x".repeat(5000),
  ];
  for (const url of hostile) {
    const error = t.throws(() => parseRepoUrl(url), undefined, url);
    t.true(isTealError(error, "bad-request"), url);
  }
});

test("good addresses are taken, in one form, without credentials", (t) => {
  const forms: [string, string][] = [
    ["https://github.com/ann/shop.git", "https://github.com/ann/shop.git"],
    ["HTTPS://GitHub.com:443/ann/shop", "https://github.com/ann/shop"],
    ["https://git.example.com:8443/a/b", "https://git.example.com:8443/a/b"],
    ["git@github.com:ann/shop.git", "ssh://git@github.com/ann/shop.git"],
    ["ssh://forge@git.example.com:2222/a/b", "ssh://forge@git.example.com:2222/a/b"],
  ];
  for (const [given, url] of forms) t.is(parseRepoUrl(given).url, url);
});

test("git itself is let use one transport, and nothing that looks like an option", async (t) => {
  const work = await world.repository();
  await world.git.init("shop");
  const canary = join(world.dir, "canary");
  const signal = new AbortController().signal;
  const way = (url: string): FetchWay => ({ url, protocol: "https", config: [], env: {} });
  const head = await work.head();
  for (const url of [
    `ext::touch ${canary}`,
    `file://${work.path}`,
    `--upload-pack=touch ${canary}`,
    work.path,
  ]) {
    await t.throwsAsync(world.git.fetch("shop", head, way(url), signal), undefined, url);
  }
  for (const refspec of [
    "--upload-pack=x",
    "main",
    "+refs/heads/x:refs/heads/main",
    "",
    "+refs/heads/^x:refs/teal/fetched/x:y",
  ]) {
    const error = await t.throwsAsync(world.git.fetch("shop", refspec, way("https://x/y"), signal));
    t.regex(error.message, /a commit or a reference was expected/, refspec);
  }
  t.false(existsSync(canary));
  t.is(await world.git.inspect("shop", head), null);
});
