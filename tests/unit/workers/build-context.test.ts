import { execFile } from "node:child_process";
import { chmod, symlink, truncate, utimes } from "node:fs/promises";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import test from "ava";
import { extract, type Header } from "tar-stream";
import { Readable } from "node:stream";
import { createContext } from "../../../workers/build-context.ts";
import { createIgnore } from "../../../workers/build-ignore.ts";
import { makeTree } from "../../support/tree.ts";

const ALL = createIgnore("", [".git"]);

async function archive(
  dir: string,
  options: Partial<Parameters<typeof createContext>[0]> = {},
): Promise<Buffer> {
  const context = await createContext({ dir, under: "", files: {}, ignore: ALL, ...options });
  return buffer(context.tar);
}

async function entries(tar: Buffer): Promise<(Header & { text: string })[]> {
  const found: (Header & { text: string })[] = [];
  for await (const entry of Readable.from([tar]).pipe(extract())) {
    found.push({ ...entry.header, text: (await buffer(entry)).toString() });
  }
  return found;
}

test("a tree becomes an archive with its folders before their files, sorted", async (t) => {
  const dir = await makeTree(t, {
    "b.txt": "b",
    "a/z.txt": "",
    "a/c/d.txt": "d",
    ".git/HEAD": "x",
  });
  const names = (await entries(await archive(dir, { under: "app" }))).map(({ name }) => name);
  t.deepEqual(names, ["app/a", "app/a/c", "app/a/c/d.txt", "app/a/z.txt", "app/b.txt"]);
});

test("the same content gives the same archive, whoever checked it out", async (t) => {
  const files = { "a.txt": "a", "run.sh": "#!/bin/sh\n", "folder/b": "b" };
  const hashes = new Set<string>();
  for (const mode of [0o755, 0o711]) {
    const dir = await makeTree(t, files);
    await chmod(join(dir, "run.sh"), mode);
    await chmod(join(dir, "a.txt"), mode & 0o666);
    for (const file of Object.keys(files)) await utimes(join(dir, file), 1000, 1000);
    hashes.add(
      createHash("sha256")
        .update(await archive(dir))
        .digest("hex"),
    );
  }
  t.is(hashes.size, 1);
});

test("all files carry the newest file's time, and git's two modes", async (t) => {
  const dir = await makeTree(t, { "old.txt": "a", "new.sh": "b" });
  await utimes(join(dir, "old.txt"), 1000, 1000);
  await utimes(join(dir, "new.sh"), 2000, 2000);
  await chmod(join(dir, "new.sh"), 0o700);
  const found = await entries(await archive(dir));
  t.deepEqual(
    found.map(({ mtime }) => Number(mtime) / 1000),
    [2000, 2000],
  );
  t.deepEqual(
    found.map(({ mode }) => mode),
    [0o755, 0o644],
  );
  t.deepEqual(
    found.map(({ uid, gid }) => [uid, gid]),
    [
      [0, 0],
      [0, 0],
    ],
  );
});

test("a file of the archive's own wins over the tree's, and the tree is not written to", async (t) => {
  const dir = await makeTree(t, { Dockerfile: "FROM old", a: "a" });
  const found = await entries(await archive(dir, { files: { Dockerfile: "FROM new" } }));
  t.deepEqual(
    found.map(({ name, text }) => [name, text]),
    [
      ["Dockerfile", "FROM new"],
      ["a", "a"],
    ],
  );
});

test("names that are long or not ASCII, and empty files, arrive whole", async (t) => {
  const long = `${"folder/".repeat(30)}${"n".repeat(120)}.txt`;
  const dir = await makeTree(t, { [long]: "long", "grün/ß.txt": "utf", empty: "" });
  const found = await entries(await archive(dir));
  const texts = Object.fromEntries(
    found.filter(({ type }) => type === "file").map(({ name, text }) => [name, text]),
  );
  t.deepEqual(texts, { [long]: "long", "grün/ß.txt": "utf", empty: "" });
});

test("a tree that is too large is refused before anything is sent, naming the limit and the place", async (t) => {
  const dir = await makeTree(t, { "a.txt": "a", "b.txt": "b", "c.txt": "c" });
  await truncate(join(dir, "b.txt"), 5000);
  const few = { bytes: 1e6, files: 2 };
  await t.throwsAsync(archive(dir, { limits: few }), {
    code: "build-failed",
    message: /at most 2 files .*at c\.txt.*\.dockerignore/,
  });
  const small = { bytes: 4000, files: 10 };
  await t.throwsAsync(archive(dir, { limits: small }), {
    code: "build-failed",
    message: /at most 4000 bytes .*at b\.txt/,
  });
});

test("what is neither file, folder nor link is refused by name", async (t) => {
  const dir = await makeTree(t, { a: "a" });
  await promisify(execFile)("mkfifo", [join(dir, "pipe")]);
  await t.throwsAsync(archive(dir), {
    code: "build-failed",
    message: /pipe was expected to be a file/,
  });
});

test(".dockerignore's rules hold: patterns, exceptions, comments", async (t) => {
  const files = {
    "a.log": "",
    "keep.log": "",
    "docs/x.md": "",
    "docs/README.md": "",
    "src/deep/y.log": "",
    "src/z.js": "",
  };
  const dir = await makeTree(t, files);
  const ignore = createIgnore("# logs\n*.log\r\n!keep.log\ndocs\n!docs/README.md\n**/deep\n", []);
  const names = (await entries(await archive(dir, { ignore }))).map(({ name }) => name);
  t.deepEqual(names, ["docs", "docs/README.md", "keep.log", "src", "src/z.js"]);
});

test("no rule of the app's brings back what the platform leaves out", async (t) => {
  const dir = await makeTree(t, { "node_modules/a/index.js": "", ".git/config": "", "b.js": "" });
  const ignore = createIgnore("!node_modules\n!.git\n!.git/config", [".git", "node_modules"]);
  const names = (await entries(await archive(dir, { ignore }))).map(({ name }) => name);
  t.deepEqual(names, ["b.js"]);
});

test("a broken link stays a link", async (t) => {
  const dir = await makeTree(t, {});
  await symlink("gone", join(dir, "link"));
  const [link] = await entries(await archive(dir));
  t.is(link?.type, "symlink");
  t.is(link?.linkname, "gone");
});

test("an archive that nobody reads to its end is let go", async (t) => {
  const dir = await makeTree(t, { big: "x" });
  await truncate(join(dir, "big"), 50_000_000);
  const { tar } = await createContext({ dir, under: "", files: {}, ignore: ALL });
  tar.once("data", () => tar.destroy());
  await new Promise((resolve) => tar.once("close", resolve));
  t.true(tar.destroyed);
});
