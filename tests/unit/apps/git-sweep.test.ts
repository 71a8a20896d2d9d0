import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import test from "ava";
import { pack } from "tar-stream";
import { createGit } from "../../../apps/git.ts";

const OLD = new Date(Date.now() - 30 * 3600_000);

test("what a killed git left goes after a day, and so do pins that nothing names; all else stays", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "teal-sweep-"));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const git = createGit({ reposDir: dir });
  await git.init("shop");
  const commit = async (text: string) => {
    const tar = pack();
    tar.entry({ name: "a" }, text);
    tar.finalize();
    return git.importArchive("shop", Readable.from([await buffer(tar)]), { strip: "no" });
  };
  const [needed, forgotten, young] = [await commit("1"), await commit("2"), await commit("3")];
  const repo = join(dir, "shop.git");
  const [left, fresh] = ["tmp_objdir-incoming-abc123", "tmp_objdir-incoming-def456"].map((name) =>
    join(repo, "objects", name),
  ) as [string, string];
  for (const one of [left, fresh]) {
    mkdirSync(one);
    writeFileSync(join(one, "pack"), "x".repeat(1000));
  }
  for (const path of [left, ...[needed, forgotten].map((id) => join(repo, "refs/teal/pushes", id))])
    utimesSync(path, OLD, OLD);

  const seen = await git.sweep("shop", new Set([needed]), true);
  t.deepEqual(
    seen.map(({ name, bytes }) => [name, bytes]),
    [
      ["objects/tmp_objdir-incoming-abc123", 1000],
      [`commit ${forgotten}`, 0],
    ],
  );
  t.true(existsSync(left), "a dry run removes nothing");
  t.deepEqual(await git.sweep("shop", new Set([needed]), false), seen);
  t.false(existsSync(left));
  t.true(existsSync(fresh));
  const pins = (id: string) => existsSync(join(repo, "refs/teal/pushes", id));
  t.deepEqual([needed, forgotten, young].map(pins), [true, false, true]);
  t.deepEqual(await git.sweep("shop", new Set([needed]), false), [], "twice is once");
  t.deepEqual(
    (await git.repositories()).map(({ app }) => app),
    ["shop"],
  );
});
