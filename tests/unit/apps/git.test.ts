import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import test, { type ExecutionContext } from "ava";
import { createGit } from "../../../apps/git.ts";

const AUTHOR = {
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "a@b",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "a@b",
};

/** A repository of the app shop with commits made straight into it. */
async function open(t: ExecutionContext) {
  const reposDir = mkdtempSync(join(tmpdir(), "teal-git-"));
  t.teardown(() => rmSync(reposDir, { recursive: true, force: true }));
  const git = createGit({ reposDir });
  await git.init("shop");
  const repo = join(reposDir, "shop.git");
  const env = { PATH: process.env["PATH"]!, ...AUTHOR, GIT_CONFIG_GLOBAL: "/dev/null" };
  const raw = (args: string[], input = "", more: Record<string, string> = {}) =>
    execFileSync("git", ["--git-dir", repo, ...args], {
      env: { ...env, ...more },
      input,
      stdio: ["pipe", "pipe", "ignore"],
      encoding: "utf8",
    }).trim();
  const commit = (text: string, message = "A change", more: Record<string, string> = {}) => {
    const blob = raw(["hash-object", "-w", "--stdin"], text, more);
    const tree = raw(["mktree"], `100644 blob ${blob}\tfile.txt\n`, more);
    return raw(["commit-tree", tree, "-m", message], "", more);
  };
  return { git, repo, reposDir, raw, commit };
}

test("a repository is made whole, once, with its configuration, even by several at once", async (t) => {
  const { git, repo, reposDir, raw } = await open(t);
  await Promise.all([1, 2, 3].map(() => git.init("blog")));
  t.deepEqual(readdirSync(reposDir).toSorted(), [".home", "blog.git", "shop.git"]);
  t.true(await git.exists("blog"));
  t.false(await git.exists("none"));
  const expected = {
    "receive.fsckobjects": "true",
    "transfer.fsckobjects": "true",
    "receive.maxinputsize": String(512 * 1024 ** 2),
    "gc.auto": "0",
    "transfer.hiderefs": "refs/teal",
    "receive.shallowupdate": "false",
  };
  for (const [name, value] of Object.entries(expected)) t.is(raw(["config", "--get", name]), value);
  t.true(existsSync(join(raw(["config", "--get", "core.hooksPath"]), "pre-receive")));
  writeFileSync(join(repo, "config"), "[core]\n\tbare = true\n");
  await git.init("shop");
  t.is(raw(["config", "--get", "gc.auto"]), "0");
  await git.remove("blog");
  t.false(await git.exists("blog"));
  await git.remove("blog");
});

test("a commit is told with its author and subject in one line, anything else is not there", async (t) => {
  const { git, raw, commit } = await open(t);
  const id = commit(
    "x",
    "Subject \u001b[31mred\u001b]8;;http://evil\u0007\nand more of it\n\nBody",
  );
  const found = await git.inspect("shop", id);
  t.is(found?.author, "Ada");
  t.regex(found!.subject, /^Subject \[31mred \]8;;http:\/\/evil and more of it$/);
  t.deepEqual(await git.describe("shop", id), { author: found!.author, subject: found!.subject });
  const tree = raw(["rev-parse", `${id}^{tree}`]);
  const tag = raw(["mktag"], `object ${id}\ntype commit\ntag v1\ntagger A <a@b> 0 +0000\n\nx\n`);
  for (const other of [tree, tag, "f".repeat(40)]) t.is(await git.inspect("shop", other), null);
  await t.throwsAsync(git.describe("shop", "f".repeat(40)), { message: /no commit/ });
});

test("a subject of a megabyte is cut", async (t) => {
  const { git, raw, commit } = await open(t);
  const tree = raw(["rev-parse", `${commit("x")}^{tree}`]);
  const id = raw(["commit-tree", tree], "y".repeat(1_000_000));
  t.true((await git.inspect("shop", id))!.subject.length <= 300);
});

test("what a commit lacks is found out: older commits, or files", async (t) => {
  const { git, repo, raw, commit } = await open(t);
  const parent = commit("one");
  const tree = raw(["rev-parse", `${parent}^{tree}`]);
  const child = raw(["commit-tree", tree, "-p", parent, "-m", "child"]);
  t.is(await git.completeness("shop", child), "whole");
  const loose = (id: string) => join(repo, "objects", id.slice(0, 2), id.slice(2));
  const kept = readFileSync(loose(parent));
  rmSync(loose(parent));
  t.is(await git.completeness("shop", child), "shallow");
  writeFileSync(loose(parent), kept);
  rmSync(loose(raw(["rev-parse", `${tree}:file.txt`])));
  t.is(await git.completeness("shop", child), "broken");
});

test("a pinned commit stays when the quarantine it came in is gone", async (t) => {
  const { git, repo, raw, commit } = await open(t);
  for (const packed of [false, true]) {
    const quarantine = join(repo, "objects", `tmp_objdir-incoming-${packed ? "Pack01" : "Loose1"}`);
    mkdirSync(join(quarantine, "pack"), { recursive: true });
    const inside = {
      GIT_OBJECT_DIRECTORY: quarantine,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: join(repo, "objects"),
    };
    const id = commit(`text ${packed}`, "In quarantine", inside);
    if (packed) {
      const list = raw(["rev-list", "--objects", "--no-object-names", id], "", inside);
      const name = raw(["pack-objects", join(quarantine, "pack/pack")], list, inside);
      writeFileSync(join(quarantine, `pack/pack-${name}.keep`), "");
      raw(["prune-packed"], "", inside);
    }
    t.is(await git.inspect("shop", id), null);
    t.is((await git.inspect("shop", id, quarantine))?.commit, id);
    await git.pin("shop", id, quarantine);
    await git.pin("shop", id, quarantine);
    rmSync(quarantine, { recursive: true });
    t.is(await git.completeness("shop", id), "whole");
    t.is(raw(["rev-parse", `refs/teal/pushes/${id}`]), id);
    t.deepEqual(
      readdirSync(join(repo, "objects/pack")).filter((file) => file.endsWith(".keep")),
      [],
    );
    raw(["fsck", "--strict"]);
  }
});

test("only a quarantine of the app's own object store is taken", async (t) => {
  const { git, repo, reposDir, commit } = await open(t);
  const id = commit("x");
  await git.init("blog");
  const foreign = join(reposDir, "blog.git/objects/tmp_objdir-incoming-AAAAAA");
  mkdirSync(foreign);
  for (const path of [
    foreign,
    "/tmp",
    "",
    join(repo, "objects"),
    join(repo, "objects/pack"),
    `${repo}/objects/../../blog.git/objects/tmp_objdir-incoming-AAAAAA`,
  ]) {
    await t.throwsAsync(git.pin("shop", id, path), { message: /quarantine/ }, path);
  }
});

test("a branch is moved only from where it was thought to be", async (t) => {
  const { git, commit } = await open(t);
  const [one, two] = [commit("1"), commit("2")];
  const main = "refs/heads/main";
  t.is(await git.readRef("shop", main), null);
  t.false(await git.hasRefs("shop"));
  t.true(await git.moveRef("shop", main, one, null));
  t.false(await git.moveRef("shop", main, two, null));
  t.false(await git.moveRef("shop", main, two, two));
  t.true(await git.moveRef("shop", main, two, one));
  t.is(await git.readRef("shop", main), two);
  t.true(await git.hasRefs("shop"));
  t.true(await git.moveRef("shop", main, null, two));
  t.is(await git.readRef("shop", main), null);
});

test("an archive holds the commit's files, and its failure is told", async (t) => {
  const { git, commit } = await open(t);
  const { stream, done } = git.archive("shop", commit("hello archive"));
  const tar = (await buffer(stream)).toString();
  await done;
  t.true(tar.includes("file.txt") && tar.includes("hello archive"));
  const missing = git.archive("shop", "f".repeat(40));
  missing.stream.resume();
  await t.throwsAsync(missing.done, { message: /git archive ended with status 128/ });
});

test("an archive that nobody wants any more ends its git", async (t) => {
  const { git, commit } = await open(t);
  const { stream, done } = git.archive("shop", commit("x".repeat(20_000_000)));
  stream.once("data", () => stream.destroy());
  await t.throwsAsync(done, { message: /git archive ended/ });
});

test("git's home is an empty directory of its own, and free space is told", async (t) => {
  const { git, reposDir } = await open(t);
  t.deepEqual(readdirSync(join(reposDir, ".home")), []);
  t.is(statSync(join(reposDir, ".home")).mode & 0o777, 0o700);
  t.true((await git.freeBytes()) > 0);
});
