import { spawn, type StdioOptions } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-fs";
import { childEnd } from "./child.ts";
import { gitEnvironment, withConfig } from "./git-config.ts";
import { runGit } from "./git-run.ts";
import type { FetchWay } from "./git.ts";

const TIMEOUT_MS = 600_000;

export interface TreeWish {
  way: FetchWay;
  /** A branch, a tag, a commit's full id, or `HEAD`. */
  ref: string;
  /** Folder that the tree is written to; it is there already. */
  to: string;
  /** Folder for scratch. */
  workDir: string;
  /** Of the unpacked tree. */
  maxBytes: number;
  signal: AbortSignal;
}

/**
 * Writes the tree of one commit of another repository, without its history, and gives the commit.
 * @throws Error with git's last words, or when the tree is larger than `maxBytes`
 */
export async function fetchTree(home: string, wish: TreeWish): Promise<string> {
  const { way, ref, workDir, signal } = wish;
  if (!/^[\w./-]+$/.test(ref)) throw new Error("a branch, a tag or a commit was expected");
  const dir = await mkdtemp(join(workDir, "tree-"));
  const own = { ...gitEnvironment(dir, home, "/dev/null"), GIT_DIR: dir };
  const remote = withConfig({ ...own, ...way.env }, way.config);
  remote["GIT_ALLOW_PROTOCOL"] = way.protocol;
  const git = (args: string[], env: Record<string, string>) =>
    runGit(args, env, dir, { signal, timeout: TIMEOUT_MS });
  try {
    await git(["init", "--quiet", "--bare", "--template=", dir], own);
    const args = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"];
    await git([...args, "--end-of-options", way.url, ref], remote);
    const commit = (await git(["rev-parse", "--verify", "FETCH_HEAD^{commit}"], own)).trim();
    await unpack(commit, own, wish);
    return commit;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function unpack(
  commit: string,
  env: Record<string, string>,
  { to, maxBytes, signal }: TreeWish,
): Promise<void> {
  const stdio: StdioOptions = ["ignore", "pipe", "pipe"];
  const child = spawn("git", ["archive", "--format=tar", commit], { cwd: to, env, signal, stdio });
  const ended = childEnd(child, "git archive");
  ended.catch(() => {});
  try {
    await pipeline(child.stdout!, bounded(maxBytes), extract(to), { signal });
    await ended;
  } finally {
    child.kill();
  }
}

function bounded(maxBytes: number): Transform {
  let room = maxBytes;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      room -= chunk.length;
      if (room >= 0) done(null, chunk);
      else done(new Error(`its tree is larger than ${maxBytes} bytes`));
    },
  });
}
