import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const FIXTURES = resolve(import.meta.dirname, "../fixtures/apps");

export interface Pushed {
  status: number;
  /** Standard error, where git shows `remote:` lines, without that prefix. */
  text: string;
}

export type Repo = ReturnType<typeof createRepo>;

/** A developer's clone of a fixture app, with the remote `deploy`. The token is given by header, not in the URL. */
export function createRepo(
  fixture: string,
  platform: { apiPort: number; adminToken(): string },
  app: string,
) {
  const dir = mkdtempSync(join(tmpdir(), "teal-repo-"));
  cpSync(join(FIXTURES, fixture), dir, { recursive: true });
  const basic = Buffer.from(`x:${platform.adminToken()}`).toString("base64");
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: dir,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "Ada",
    GIT_AUTHOR_EMAIL: "ada@example.com",
    GIT_COMMITTER_NAME: "Ada",
    GIT_COMMITTER_EMAIL: "ada@example.com",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "http.extraHeader",
    GIT_CONFIG_VALUE_0: `Authorization: Basic ${basic}`,
  };

  function git(...args: string[]): Promise<Pushed> {
    return new Promise((done, fail) => {
      const child = spawn("git", args, { cwd: dir, env, stdio: ["ignore", "pipe", "pipe"] });
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
      child.on("error", fail);
      child.on("close", (status) =>
        done({ status: status ?? 1, text: text.replaceAll(/^remote: /gm, "") }),
      );
    });
  }

  async function commit(message: string): Promise<void> {
    await git("add", "-A");
    await git("commit", "-q", "-m", message, "--allow-empty");
  }

  async function push(files: Record<string, string> = {}, message = "change"): Promise<Pushed> {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
    await commit(message);
    return git("push", "deploy", "main");
  }

  return {
    dir,
    git,
    commit,
    /** Writes files, commits, and pushes main. */
    push,
    /** The same; what git showed. @throws Error with what git showed, when the push is refused */
    async goLive(files?: Record<string, string>, message?: string): Promise<string> {
      const { status, text } = await push(files, message);
      if (status !== 0) throw new Error(text);
      return text;
    },
    async init(): Promise<void> {
      await git("init", "-q", "-b", "main");
      await git("remote", "add", "deploy", `http://127.0.0.1:${platform.apiPort}/git/${app}.git`);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
