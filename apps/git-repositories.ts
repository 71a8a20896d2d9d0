import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runGit, type GitRunner } from "./git-run.ts";
import { APP_NAME } from "./types.ts";

/** The repositories as folders: made, looked for, removed. @param config of each one */
export function createRepositories(runner: GitRunner, config: string) {
  const { reposDir, home, repo, environment, tell } = runner;

  async function init(app: string): Promise<void> {
    const dir = repo(app);
    const file = join(dir, "config");
    const present = await readFile(file, "utf8").catch(() => null);
    if (present === config) return;
    await mkdir(home, { recursive: true, mode: 0o700 });
    if (present === null) {
      const fresh = join(reposDir, `.new-${app}-${randomBytes(6).toString("hex")}`);
      const args = ["init", "--quiet", "--bare", "--template=", "--initial-branch=main", fresh];
      await runGit(args, environment(fresh), "/");
      await writeFile(join(fresh, "config"), config);
      const moved = await rename(fresh, dir).then(
        () => true,
        () => false,
      );
      if (!moved) await rm(fresh, { recursive: true, force: true });
      if (!moved && !(await exists(app))) throw new Error(`cannot make the repository ${dir}`);
      return;
    }
    const fresh = `${file}.${randomBytes(6).toString("hex")}`;
    await writeFile(fresh, config);
    await rename(fresh, file);
  }

  async function exists(app: string): Promise<boolean> {
    return stat(join(repo(app), "config")).then(
      () => true,
      () => false,
    );
  }

  return {
    init,
    exists,
    hasRefs: async (app: string) => (await tell(app, ["for-each-ref", "--count=1"])) !== "",
    remove: (app: string) => rm(repo(app), { recursive: true, force: true, maxRetries: 3 }),
    async repositories() {
      const found = await readdir(reposDir).catch(() => []);
      return found.flatMap((name) => {
        const app = /^(.+)\.git$/.exec(name)?.[1] ?? "";
        return APP_NAME.test(app) ? [{ app, dir: repo(app) }] : [];
      });
    },
    async freeBytes() {
      await mkdir(reposDir, { recursive: true });
      const { bavail, bsize } = await statfs(reposDir);
      return bavail * bsize;
    },
  };
}
