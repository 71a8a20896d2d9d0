import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import type { ExecutionContext } from "ava";
import { type Header, pack } from "tar-stream";
import { createGit } from "../../apps/git.ts";
import { runCommand } from "./push-world.ts";

/** Repositories of a test, with an empty one `shop`. */
export async function openGit(t: ExecutionContext) {
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

/** A header of an archive, and the text behind it. */
export type Part = Partial<Header> & { name: string; text?: string };

export async function tarOf(parts: Part[]): Promise<Buffer> {
  const tar = pack();
  for (const { text = "", ...header } of parts)
    tar.entry({ mtime: new Date(1e12), ...header }, text);
  tar.finalize();
  return buffer(tar);
}
