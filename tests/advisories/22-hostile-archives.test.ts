import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import test from "ava";
import { openGit, type Part, tarOf } from "../support/archives.ts";

const plain = { strip: "no" } as const;

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
