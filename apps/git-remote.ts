import { execFile } from "node:child_process";

/**
 * URL of a git remote of the repository that `dir` lies in; null when there is none.
 * For the command line, which must start fast: `apps/git.ts` serves repositories and loads more.
 */
export function readRemote(dir: string, name: string): Promise<string | null> {
  const { PATH = "/usr/bin:/bin", HOME = "/" } = process.env;
  const args = ["-C", dir, "config", "--get", `remote.${name}.url`];
  return new Promise((resolve) => {
    execFile("git", args, { env: { PATH, HOME }, timeout: 5000 }, (error, stdout) => {
      resolve(error ? null : stdout.trim() || null);
    });
  });
}

const REMOTES = [
  /^https?:\/\/(?:[^/@]*@)?[^/]+\/git\/(?<app>[a-z][a-z0-9-]{0,30})(?:\.git)?\/?$/,
  /^ssh:\/\/(?:[^/@]*@)?[^/]+\/(?<app>[a-z][a-z0-9-]{0,30})(?:\.git)?\/?$/,
  /^[^/@:]+@[^/:]+:\/?(?<app>[a-z][a-z0-9-]{0,30})(?:\.git)?\/?$/,
];

/** The app that a remote of this platform pushes to; null for any other remote. */
export function appOfRemote(url: string): string | null {
  for (const pattern of REMOTES) {
    const app = pattern.exec(url)?.groups?.["app"];
    if (app) return app;
  }
  return null;
}
