import { open, readdir, realpath } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-fs";
import { TealError } from "../apps/errors.ts";
import type { Fetcher } from "../apps/fetcher.ts";
import type { Git } from "../apps/git.ts";
import { openTree } from "../buildpacks/tree.ts";
import type { Work } from "./ports.ts";

interface Options {
  git: Pick<Git, "archive" | "gitlinks">;
  fetcher: Pick<Fetcher, "fetchCommit">;
}

interface Source {
  app: string;
  commit: string;
  dir: string;
  /** The app wants its submodules fetched. */
  submodules: boolean;
}

const POINTER = "version https://git-lfs.github.com/spec/v1";
const MOST_SUBMODULES = 50;
const LOOKED_AT = 100_000;

/**
 * What a checked-out tree has in place of files: submodules are fetched if the app wants it, and
 * otherwise named; pointers of Git LFS are named. @throws build-failed, fetch-failed, private-address
 */
export async function completeSource(options: Options, source: Source, work: Work): Promise<void> {
  const tree = openTree(source.dir);
  if (await tree.has(".gitmodules")) {
    const text = (await tree.read(".gitmodules")) ?? "";
    await completeSubmodules(options, source, readModules(text), work);
  }
  const attributes = (await tree.read(".gitattributes")) ?? "";
  if (!/\bfilter=lfs\b/.test(attributes)) return;
  const pointers = await lfsPointers(source.dir);
  const [first, ...more] = pointers;
  if (first === undefined) return;
  const what = more.length > 0 ? `${first} and ${more.length} more files are` : `${first} is`;
  work.say(
    "warn",
    `${what} in Git LFS: the commit holds pointers, not the files, and the build gets those; commit the files themselves, or fetch them in the build`,
  );
}

/** Path to URL, of the sections of a .gitmodules file. */
export function readModules(text: string): Map<string, string> {
  const modules = new Map<string, string>();
  let [path, url] = ["", ""];
  const end = () => {
    if (path !== "" && url !== "") modules.set(path, url);
    [path, url] = ["", ""];
  };
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*\[/.test(line)) end();
    const [, key = "", given = ""] = /^\s*(path|url)\s*=(.*)$/.exec(line) ?? [];
    const value = given.trim().replace(/^"/, "").replace(/"$/, "");
    if (key === "path") path = value;
    if (key === "url") url = value;
  }
  end();
  return modules;
}

async function completeSubmodules(
  { git, fetcher }: Options,
  { app, commit, dir, submodules }: Source,
  urls: Map<string, string>,
  { say, signal }: Work,
): Promise<void> {
  const links = await git.gitlinks(app, commit);
  if (links.length === 0) return;
  const names = links
    .map(({ path }) => path)
    .join(", ")
    .slice(0, 200);
  if (!submodules) {
    say(
      "warn",
      `Submodules are left empty (${names}): 'teal build:set submodules=on' has them fetched`,
    );
    return;
  }
  if (links.length > MOST_SUBMODULES)
    throw failed(`at most ${MOST_SUBMODULES} submodules were expected, and ${links.length} came`);
  for (const { path, commit: wanted } of links) {
    const url = urls.get(path);
    if (!url?.startsWith("https://"))
      throw failed(
        `the submodule ${path} was expected to have an address that begins with https:// in .gitmodules, and ${url ?? "nothing"} came`,
      );
    say("info", `Submodule ${path}: ${wanted.slice(0, 7)} from ${url}`);
    await fetcher.fetchCommit(app, url, wanted, signal);
    const to = await realpath(join(dir, path)).catch(() => "");
    if (!to.startsWith((await realpath(dir)) + sep))
      throw failed(`the submodule ${path} leads out of the tree`);
    const { stream, done } = git.archive(app, wanted);
    await Promise.all([pipeline(stream, extract(to)), done]);
    if ((await git.gitlinks(app, wanted)).length > 0)
      say(
        "warn",
        `Submodules of the submodule ${path} are left empty: only the first level is fetched`,
      );
  }
}

/** Files that are pointers, from `dir`. */
async function lfsPointers(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.slice(0, LOOKED_AT)) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (await beginsWith(path, POINTER)) found.push(relative(dir, path));
  }
  return found;
}

async function beginsWith(path: string, text: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(text.length), 0, text.length, 0);
    return bytesRead === text.length && buffer.toString("latin1") === text;
  } finally {
    await file.close();
  }
}

function failed(detail: string): TealError {
  return new TealError("build-failed", { detail });
}
