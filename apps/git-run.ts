import { spawn, type StdioOptions } from "node:child_process";
import { join, resolve } from "node:path";
import { simpleGit } from "simple-git";
import { childEnd } from "./child.ts";
import { TealError } from "./errors.ts";
import { gitEnvironment } from "./git-config.ts";
import { isQuarantineOf } from "./git-quarantine.ts";
import { APP_NAME } from "./types.ts";

const TIMEOUT_MS = 120_000;

interface Bounds {
  signal?: AbortSignal;
  /** In ms. */
  timeout: number;
}

export type GitRunner = ReturnType<typeof createGitRunner>;

/** Runs git in the apps' repositories, each child with a constructed environment and an argument list. */
export function createGitRunner(folder: string) {
  const reposDir = resolve(folder);
  const home = join(reposDir, ".home");
  const repo = (app: string) => {
    if (!APP_NAME.test(app)) throw new TealError("bad-app-name", { name: app });
    return join(reposDir, `${app}.git`);
  };

  const environment = (dir: string, hooks = "/dev/null") => gitEnvironment(dir, home, hooks);

  async function environmentOf(app: string, quarantine?: string): Promise<Record<string, string>> {
    const dir = repo(app);
    const env: Record<string, string> = { ...environment(dir), GIT_DIR: dir };
    if (quarantine === undefined) return env;
    await checkQuarantine(dir, quarantine);
    env["GIT_OBJECT_DIRECTORY"] = quarantine;
    env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = join(dir, "objects");
    return env;
  }

  /** For questions with an answer: simple-git waits 50 ms for a command that says nothing. */
  async function ask(app: string, args: string[], quarantine?: string): Promise<string> {
    const env = await environmentOf(app, quarantine);
    const git = simpleGit({
      baseDir: repo(app),
      allowEnvironment: Object.keys(env),
      // The guard would refuse our own constructed environment; it stays on for all else.
      unsafe: {
        allowUnsafeConfigPaths: true,
        allowUnsafeConfigEnvCount: true,
        allowUnsafeHooksPath: true,
      },
      completion: { onClose: true, onExit: false },
      timeout: { block: TIMEOUT_MS },
    });
    return git.env(env).raw(args);
  }

  /** For commands, and questions that may have no answer. */
  async function tell(app: string, args: string[], quarantine?: string): Promise<string> {
    const env = await environmentOf(app, quarantine);
    return runGit(args, env, repo(app));
  }

  return { reposDir, home, repo, environment, environmentOf, ask, tell };
}

/** @throws Error unless `quarantine` is one of the repository `dir` */
export async function checkQuarantine(dir: string, quarantine: string): Promise<void> {
  if (await isQuarantineOf(quarantine, join(dir, "objects"))) return;
  throw new Error("the quarantine of a push was expected in its own repository");
}

export const succeeds = (command: Promise<string>) =>
  command.then(
    () => true,
    () => false,
  );

/** What it printed. @throws Error with git's last words */
export function runGit(
  args: string[],
  env: Record<string, string>,
  cwd: string,
  bounds: Bounds = { timeout: TIMEOUT_MS },
): Promise<string> {
  const stdio: StdioOptions = ["ignore", "pipe", "pipe"];
  return childEnd(spawn("git", args, { cwd, env, stdio, ...bounds }), `git ${args[0]}`, true);
}
