import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import test from "ava";
import { openGit, tarOf } from "../../support/archives.ts";

const plain = { strip: "no" } as const;
const auto = { strip: "auto" } as const;

test("an archive becomes a commit, the same one for the same content, plain or gzip", async (t) => {
  const { git, tree } = await openGit(t);
  const parts = [
    { name: "./server.js", text: "one" },
    { name: "bin/", type: "directory" as const },
    { name: "bin/run", mode: 0o755, text: "two" },
    { name: "link", type: "symlink" as const, linkname: "bin/run" },
    { name: "hard", type: "link" as const, linkname: "./server.js" },
    { name: ".git/config", text: "[core]" },
    { name: 'a "b" \\ c', text: "three" },
  ];
  const bytes = await tarOf(parts);
  const first = await git.importArchive("shop", Readable.from([bytes]), plain);
  t.deepEqual(await tree(first), [
    '100644 "a \\"b\\" \\\\ c"',
    "100755 bin/run",
    "100644 hard",
    "120000 link",
    "100644 server.js",
  ]);
  const second = await git.importArchive("shop", Readable.from([gzipSync(bytes)]), plain);
  t.is(second, first);
  t.is(await git.completeness("shop", first), "whole");
  t.is((await git.inspect("shop", first))?.subject, "An archive of source");
  t.true(await git.hasRefs("shop"));
});

test("the one folder that code hosts put around a tree is left out", async (t) => {
  const { git, tree } = await openGit(t);
  const inFolder = await tarOf([
    { name: "shop-1.2/", type: "directory" },
    { name: "shop-1.2/a/b.js" },
    { name: "shop-1.2/c.js" },
  ]);
  const commit = await git.importArchive("shop", Readable.from([inFolder]), auto);
  t.deepEqual(await tree(commit), ["100644 a/b.js", "100644 c.js"]);
  const kept = await git.importArchive("shop", Readable.from([inFolder]), plain);
  t.deepEqual(await tree(kept), ["100644 shop-1.2/a/b.js", "100644 shop-1.2/c.js"]);
});

test("more than the limits say is refused: bytes as they come, bytes unpacked, files", async (t) => {
  const { git } = await openGit(t);
  const limits = { packedBytes: 20_000, bytes: 50_000, files: 3, ratio: 100 };
  const give = (bytes: Buffer) =>
    git.importArchive("shop", Readable.from([bytes]), { ...plain, limits });
  const large = await tarOf([{ name: "a", text: "x".repeat(60_000) }]);
  await t.throwsAsync(give(large), { code: "too-large" });
  const error = await t.throwsAsync(give(gzipSync(large)), { code: "bad-archive" });
  t.regex(error.message, /more than 50000 bytes/);
  const many = await tarOf(["a", "b", "c", "d"].map((name) => ({ name })));
  t.regex((await t.throwsAsync(give(gzipSync(many))))?.message ?? "", /more than 3 files/);
});
