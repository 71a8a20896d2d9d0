import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync, createGzip } from "node:zlib";
import test, { type ExecutionContext } from "ava";
import { pack, type Header } from "tar-stream";
import { createGit } from "../../../apps/git.ts";
import { runCommand } from "../../support/push-world.ts";

async function openGit(t: ExecutionContext) {
  const dir = mkdtempSync(join(tmpdir(), "teal-import-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const git = createGit({ reposDir: dir });
  await git.init("shop");
  const tree = async (commit: string) =>
    (await runCommand("git", ["ls-tree", "-r", commit], { cwd: join(dir, "shop.git") })).output
      .trim()
      .split("\n")
      .map((line) => line.replace(/ blob [0-9a-f]+\t/, " "));
  return { git, dir, tree };
}

type Part = Partial<Header> & { name: string; text?: string };

async function tarOf(parts: Part[]): Promise<Buffer> {
  const tar = pack();
  for (const { text = "", ...header } of parts)
    tar.entry({ mtime: new Date(1e12), ...header }, text);
  tar.finalize();
  return buffer(tar);
}

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

const HOSTILE: [string, Part[], RegExp][] = [
  ["a path that goes up", [{ name: "../out" }], /leads out of it/],
  ["one that goes up on its way", [{ name: "a/../../out" }], /leads out of it/],
  ["an absolute path", [{ name: "/etc/passwd" }], /leads out of it/],
  ["a device", [{ name: "dev", type: "character-device" }], /neither a file/],
  ["a pipe", [{ name: "fifo", type: "fifo" }], /neither a file/],
  [
    "a hard link out of it",
    [{ name: "x", type: "link", linkname: "../../etc/passwd" }],
    /is a link to what is not in it/,
  ],
  ["a line end in a name", [{ name: "a\nM 100644 :1 b" }], /control characters/],
  [
    "a path that is too long",
    [{ name: `${"a".repeat(120)}/`.repeat(10) + "b" }],
    /longer than a path/,
  ],
  ["nothing", [], /holds no file/],
  ["only a .git", [{ name: ".git/hooks/post-checkout", text: "x" }], /holds no file/],
];
for (const [what, parts, says] of HOSTILE) {
  test(`refused: ${what}`, async (t) => {
    const { git } = await openGit(t);
    const error = await t.throwsAsync(
      git.importArchive("shop", Readable.from([await tarOf(parts)]), plain),
      { code: "bad-archive" },
    );
    t.regex(error.message, says);
    t.false(await git.hasRefs("shop"), "nothing is left of it");
  });
}

test("a link and a file below it are one tree, in which the later one counts", async (t) => {
  const { git, tree } = await openGit(t);
  const parts = await tarOf([
    { name: "a", type: "symlink", linkname: "/etc" },
    { name: "a/passwd", text: "mine" },
  ]);
  const commit = await git.importArchive("shop", Readable.from([parts]), plain);
  t.deepEqual(await tree(commit), ["100644 a/passwd"]);
});

test("an archive that breaks off, is no archive, or says a size below nothing is refused", async (t) => {
  const { git } = await openGit(t);
  const whole = await tarOf([{ name: "a", text: "x".repeat(5000) }]);
  const negative = Buffer.from(whole);
  negative.write("-0000000001", 124);
  const base256 = Buffer.from(whole);
  base256.fill(0xff, 124, 136);
  const cases = [
    whole.subarray(0, 2000),
    gzipSync(whole).subarray(0, 60),
    Buffer.from("hello, this is no archive".repeat(100)),
    negative,
    base256,
    Buffer.from("x"),
  ];
  for (const bytes of cases) {
    await t.throwsAsync(git.importArchive("shop", Readable.from([bytes]), plain), {
      code: "bad-archive",
    });
  }
  t.false(await git.hasRefs("shop"));
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

test("10 GB from 10 MB are refused, long before they are unpacked, and take no memory", async (t) => {
  const { git } = await openGit(t);
  const size = 10 * 1024 ** 3;
  const header = (await tarOf([{ name: "zeros", text: "x" }])).subarray(0, 512);
  header.write(size.toString(8).padStart(11, "0"), 124);
  header.write(checksum(header), 148);
  const zeros = Buffer.alloc(1024 ** 2);
  let sent = 0;
  async function* bytes(): AsyncGenerator<Buffer> {
    yield header;
    for (; sent < size; sent += zeros.length) yield zeros;
  }
  const gzip = createGzip();
  Readable.from(bytes()).pipe(gzip);
  const before = process.memoryUsage().rss;
  const error = await t.throwsAsync(git.importArchive("shop", gzip, plain), {
    code: "bad-archive",
  });
  t.regex(error.message, /100 times as large/);
  t.true(sent < 2 * 1024 ** 3, `${sent} bytes were unpacked`);
  t.true(process.memoryUsage().rss - before < 200e6);
});

/** Of a tar header: the sum of its bytes, with the checksum's own as spaces. */
function checksum(header: Buffer): string {
  const plainly = Buffer.from(header).fill(" ", 148, 156);
  return `${plainly
    .reduce((sum, byte) => sum + byte, 0)
    .toString(8)
    .padStart(6, "0")}\0 `;
}
