import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { childEnd } from "./child.ts";
import { gitConfig, withConfig } from "./git-config.ts";
import { importRef, writeImport, type ImportWish } from "./git-import.ts";
import { adoptQuarantine } from "./git-quarantine.ts";
import { createRepositories } from "./git-repositories.ts";
import { checkQuarantine, createGitRunner, runGit, succeeds } from "./git-run.ts";
import { sweepRepository, type Swept } from "./git-sweep.ts";
import { fetchTree, type TreeWish } from "./git-tree.ts";

export type Service = "receive-pack" | "upload-pack";

export interface Commit {
  commit: string;
  tree: string;
  author: string;
  subject: string;
}

export interface ServiceOptions {
  /** Only the list of refs, for `GET info/refs`. */
  advertise?: boolean;
  /** One request, one answer, as over HTTP. */
  stateless?: boolean;
  /** The client's GIT_PROTOCOL; anything but `version=N` is left out. */
  protocol?: string | undefined;
  /** What the hook needs to find its way back. */
  env?: Record<string, string>;
}

/** How git gets to another repository: see `apps/fetch-way.ts`. */
export interface FetchWay {
  url: string;
  /** The one transport that git may use. */
  protocol: "https" | "http" | "ssh";
  config: [key: string, value: string][];
  env: Record<string, string>;
}

/** The bare repositories of the apps. Every commit is named by its full hexadecimal id. */
export interface Git {
  reposDir: string;
  /** Makes the app's repository, or brings its configuration up to date. Twice is once. */
  init(app: string): Promise<void>;
  exists(app: string): Promise<boolean>;
  hasRefs(app: string): Promise<boolean>;
  remove(app: string): Promise<void>;
  /** The caller owns the child: its streams and its end. */
  spawnService(app: string, service: Service, options?: ServiceOptions): ChildProcess;
  /** Null unless `commit` is a commit in the repository (or in the quarantine of a push). */
  inspect(app: string, commit: string, quarantine?: string): Promise<Commit | null>;
  /** Whether everything that `commit` needs is there: `shallow` when only older commits are missing. */
  completeness(
    app: string,
    commit: string,
    quarantine?: string,
  ): Promise<"whole" | "shallow" | "broken">;
  /** Submodules of a commit: where they belong, and the commit that belongs there. */
  gitlinks(app: string, commit: string): Promise<{ path: string; commit: string }[]>;
  /** Those on disk, whether there is such an app or not. */
  repositories(): Promise<{ app: string; dir: string }[]>;
  /** See `sweepRepository`. @param needed commits that a record names */
  sweep(app: string, needed: ReadonlySet<string>, dryRun: boolean): Promise<Swept[]>;
  /** Makes a commit of a tar archive and pins it. @throws bad-archive, too-large */
  importArchive(app: string, archive: Readable, wish: ImportWish): Promise<string>;
  /** Makes the objects of a push and a reference to its commit durable, whatever becomes of the push. */
  pin(app: string, commit: string, quarantine?: string): Promise<void>;
  /** Brings `refspec` of another repository, with all its history. @throws Error with git's last words */
  fetch(app: string, refspec: string, way: FetchWay, signal: AbortSignal): Promise<void>;
  /** See `fetchTree` of `apps/git-tree.ts`. */
  fetchTree(wish: TreeWish): Promise<string>;
  readRef(app: string, ref: string): Promise<string | null>;
  /** Compare and set; null stands for "not there". False when the ref is not at `from`. */
  moveRef(app: string, ref: string, to: string | null, from: string | null): Promise<boolean>;
  /** The commit's tree as tar. `done` rejects when git fails; destroying the stream ends git. */
  archive(app: string, commit: string): { stream: Readable; done: Promise<void> };
  /** Bytes that repositories may still take on their disk. */
  freeBytes(): Promise<number>;
  /** @throws Error when the commit is not there */
  describe(app: string, commit: string): Promise<{ author: string; subject: string }>;
}

interface Options {
  reposDir: string;
  /** Holds `pre-receive`. */
  hooksDir?: string;
  /** Bytes; git refuses a larger pack while it comes in. */
  maxInputBytes?: number;
}

/** Commits of pushes, hidden from clients: see `transfer.hideRefs`. */
const PINS = "refs/teal/pushes/";
const FETCH_TIMEOUT_MS = 600_000;

/** With what it leans on (`git-*.ts`) the only module that runs git. */
export function createGit(options: Options): Git {
  const runner = createGitRunner(options.reposDir);
  const { repo, environment, environmentOf, ask, tell } = runner;
  const hooksDir = resolve(options.hooksDir ?? join(import.meta.dirname, "..", "hooks"));
  const config = gitConfig(hooksDir, options.maxInputBytes ?? 512 * 1024 * 1024);

  function spawnService(app: string, service: Service, wish: ServiceOptions = {}): ChildProcess {
    const dir = repo(app);
    const args: string[] = [service];
    if (wish.stateless) args.push("--stateless-rpc");
    if (wish.advertise) args.push("--advertise-refs");
    if (service === "upload-pack") args.push("--strict", "--timeout=600");
    args.push(dir);
    const env = { ...environment(dir, hooksDir), ...wish.env };
    if (wish.protocol && /^version=[0-2]$/.test(wish.protocol)) env["GIT_PROTOCOL"] = wish.protocol;
    return spawn("git", args, { cwd: runner.reposDir, env, stdio: ["pipe", "pipe", "pipe"] });
  }

  async function inspect(app: string, id: string, quarantine?: string): Promise<Commit | null> {
    const args = [
      "log",
      "--no-walk",
      "--no-patch",
      "--format=%H%x00%T%x00%<(100,trunc)%an%x00%<(300,trunc)%s",
      "--end-of-options",
      objectId(id),
    ];
    const text = await ask(app, args, quarantine).catch(() => "");
    const [commit = "", tree = "", author = "", subject = ""] = text.trimEnd().split("\0");
    // A tag would be followed to its commit, whose id is another.
    return commit === id
      ? { commit, tree, author: oneLine(author), subject: oneLine(subject) }
      : null;
  }

  async function completeness(app: string, id: string, quarantine?: string) {
    const walk = (...extra: string[]) =>
      succeeds(
        tell(app, ["rev-list", "--quiet", ...extra, objectId(id), "--not", "--all"], quarantine),
      );
    if (await walk("--objects")) return "whole";
    return (await walk()) ? "broken" : "shallow";
  }

  async function pin(app: string, id: string, quarantine?: string): Promise<void> {
    if (quarantine !== undefined) {
      await checkQuarantine(repo(app), quarantine);
      await adoptQuarantine(quarantine, join(repo(app), "objects"));
    }
    await tell(app, ["update-ref", `${PINS}${objectId(id)}`, id]);
  }

  async function fetch(app: string, refspec: string, way: FetchWay, signal: AbortSignal) {
    if (!/^([0-9a-f]{40,64}|\+refs\/[^-:^][^:]*:refs\/teal\/fetched\/[^:]+)$/.test(refspec)) {
      throw new Error("a commit or a reference was expected");
    }
    const args = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
    args.push("--no-write-fetch-head", "--end-of-options", way.url, refspec);
    const env = withConfig({ ...(await environmentOf(app)), ...way.env }, way.config);
    env["GIT_ALLOW_PROTOCOL"] = way.protocol;
    await runGit(args, env, repo(app), { signal, timeout: FETCH_TIMEOUT_MS });
  }

  async function moveRef(
    app: string,
    ref: string,
    to: string | null,
    from: string | null,
  ): Promise<boolean> {
    if (!/^refs\/(heads|tags)\//.test(ref)) throw new Error(`${ref} is not a branch or tag`);
    const old = from === null ? "0".repeat(40) : objectId(from);
    const change = to === null ? ["-d", ref, old] : [ref, objectId(to), old];
    return succeeds(tell(app, ["update-ref", ...change]));
  }

  function archive(app: string, id: string): { stream: Readable; done: Promise<void> } {
    const dir = repo(app);
    const args = ["archive", "--format=tar", "--end-of-options", objectId(id)];
    const child = spawn("git", args, {
      cwd: dir,
      env: { ...environment(dir), GIT_DIR: dir },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.once("close", () => child.kill());
    return { stream: child.stdout, done: childEnd(child, "git archive").then(() => {}) };
  }

  async function importArchive(app: string, source: Readable, wish: ImportWish): Promise<string> {
    const ref = importRef();
    const env = await environmentOf(app);
    const args = ["fast-import", "--quiet", "--done", "--date-format=raw"];
    const stdio: StdioOptions = ["pipe", "ignore", "pipe"];
    const child = spawn("git", args, { cwd: repo(app), env, stdio });
    const ended = childEnd(child, "git fast-import");
    ended.catch(() => {});
    child.stdin!.on("error", () => {});
    try {
      const written = writeImport(source, child.stdin!, ref, wish);
      written.catch(() => {});
      await Promise.race([written, ended]);
      await ended;
      const id = (
        await tell(app, ["rev-parse", "--verify", "--quiet", "--end-of-options", ref])
      ).trim();
      await pin(app, id);
      return id;
    } finally {
      source.destroy();
      child.kill();
      await tell(app, ["update-ref", "-d", ref]).catch(() => {});
    }
  }

  return {
    reposDir: runner.reposDir,
    ...createRepositories(runner, config),
    importArchive,
    async gitlinks(app, id) {
      const list = await tell(app, [
        "ls-tree",
        "-r",
        "-z",
        "--full-tree",
        "--end-of-options",
        objectId(id),
      ]);
      return list.split("\0").flatMap((line) => {
        const [, commit = "", path = ""] =
          /^160000 commit ([0-9a-f]{40,64})\t(.+)$/s.exec(line) ?? [];
        return path === "" ? [] : [{ path, commit }];
      });
    },
    sweep: (app, needed, dryRun) =>
      sweepRepository({
        ...{ dir: repo(app), needed, dryRun, now: Date.now() },
        pins: PINS.replace(/\/$/, ""),
        tell: (args) => tell(app, args),
      }),
    spawnService,
    inspect,
    completeness,
    pin,
    fetch,
    fetchTree: (wish) => fetchTree(runner.home, wish),
    readRef: async (app, ref) => {
      const id = await tell(app, [
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        ref,
      ]).catch(() => "");
      return id.trim() || null;
    },
    moveRef,
    archive,
    async describe(app, id) {
      const found = await inspect(app, id);
      if (!found) throw new Error(`${app} has no commit ${id}`);
      return { author: found.author, subject: found.subject };
    },
  };
}

function objectId(id: string): string {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(id)) throw new Error("a full object id was expected");
  return id;
}

/** Author and subject are strangers' text: no control characters, no line breaks, no direction marks. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Z}]+/gu, " ").trim();
}
