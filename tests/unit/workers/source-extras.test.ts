import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { createFetcher } from "../../../apps/fetcher.ts";
import { createGit } from "../../../apps/git.ts";
import { createOutward } from "../../../apps/outward.ts";
import { completeSource, readModules } from "../../../workers/source-extras.ts";
import { createIssuer } from "../../support/certificates.ts";
import { startCiRepo } from "../../support/ci-repo.ts";
import { runCommand } from "../../support/push-world.ts";

const signal = AbortSignal.timeout(60_000);
const issuer = await createIssuer();
const tls = await issuer.issue(["localhost"]);

/** An app's repository with a commit that has the submodule `libs/a`, which lies on a git server. */
async function appWithSubmodule(t: ExecutionContext, urlOf: (url: string) => string) {
  const server = await startCiRepo({ tls });
  const root = mkdtempSync(join(tmpdir(), "teal-extras-"));
  const caFile = join(root, "ca.pem");
  writeFileSync(caFile, issuer.cert);
  t.teardown(() => {
    server.stop();
    rmSync(root, { recursive: true, force: true });
  });
  const env = {
    HOME: root,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@b",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@b",
  };
  const git = async (cwd: string, ...args: string[]) => {
    const { status, output } = await runCommand("git", args, { cwd, env });
    if (status !== 0) throw new Error(output);
    return output.trim();
  };
  const make = async (name: string, files: Record<string, string>) => {
    const dir = join(root, name);
    mkdirSync(dir);
    await git(dir, "init", "-q", "-b", "main");
    for (const [file, text] of Object.entries(files)) writeFileSync(join(dir, file), text);
    await git(dir, "add", "-A");
    return dir;
  };
  const lib = await make("lib", { "lib.js": "the library" });
  await git(lib, "commit", "-qm", "lib");
  await git(lib, "push", "-q", server.dir, "main");
  const linked = await git(lib, "rev-parse", "HEAD");
  const modules = `[submodule "a"]\n\tpath = libs/a\n\turl = ${urlOf(server.url)}\n`;
  const own = await make("own", { "server.js": "1", ".gitmodules": modules });
  await git(own, "update-index", "--add", "--cacheinfo", `160000,${linked},libs/a`);
  await git(own, "commit", "-qm", "own");
  const commit = await git(own, "rev-parse", "HEAD");
  const repos = createGit({ reposDir: join(root, "repos") });
  await repos.init("shop");
  await git(
    own,
    "push",
    "-q",
    join(root, "repos", "shop.git"),
    "HEAD:refs/heads/x",
    "--no-verify",
  ).catch(() => {});
  await git(join(root, "repos", "shop.git"), "fetch", "-q", own, "main");
  const dir = join(root, "tree");
  mkdirSync(join(dir, "libs/a"), { recursive: true });
  writeFileSync(join(dir, ".gitmodules"), modules);
  const said: string[] = [];
  const complete = (submodules: boolean, allowPrivate = true) => {
    const fetcher = createFetcher({
      ...{ git: repos, allowPrivate, workDir: join(root, "work"), knownHosts: join(root, "known") },
      senders: { credentials: async () => ({}) },
      outward: createOutward({ allowPrivate }),
      caFile,
    });
    const work = { say: (_kind: string, text: string) => void said.push(text), signal };
    return completeSource({ git: repos, fetcher }, { app: "shop", commit, dir, submodules }, work);
  };
  return { complete, said, dir, requests: server.requests };
}

test("submodules are fetched only when the app wants it, and otherwise named", async (t) => {
  const { complete, said, dir, requests } = await appWithSubmodule(t, (url) => url);
  await complete(false);
  t.regex(said.join(), /left empty \(libs\/a\): 'teal build:set submodules=on'/);
  t.deepEqual(requests, []);
  await complete(true);
  t.is(readFileSync(join(dir, "libs/a/lib.js"), "utf8"), "the library");
});

test("a submodule on a private network is refused at the connection", async (t) => {
  const { complete } = await appWithSubmodule(t, (url) => url);
  await t.throwsAsync(complete(true, false), { code: "private-address" });
});

for (const url of [
  "../lib.git",
  "file:///etc",
  "ext::sh -c touch canary",
  "ssh://git@example.com/a.git",
  "http://127.0.0.1/a.git",
]) {
  test(`a submodule at ${url} is not fetched`, async (t) => {
    const { complete, requests } = await appWithSubmodule(t, () => url);
    await t.throwsAsync(complete(true), {
      code: "build-failed",
      message: /begins with https:\/\//,
    });
    t.deepEqual(requests, []);
  });
}

test("pointers of Git LFS are said in one sentence", async (t) => {
  const { complete, said, dir } = await appWithSubmodule(t, (url) => url);
  writeFileSync(join(dir, ".gitattributes"), "*.png filter=lfs diff=lfs merge=lfs -text\n");
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\nsize 12345\n`;
  writeFileSync(join(dir, "logo.png"), pointer);
  writeFileSync(join(dir, "libs", "b.png"), pointer);
  writeFileSync(join(dir, "real.png"), "\u0089PNG");
  await complete(false);
  const [sentence, ...more] = said.filter((text) => text.includes("LFS"));
  t.is(more.length, 0);
  t.regex(sentence ?? "", /and 1 more files are in Git LFS: the commit holds pointers/);
});

test("a .gitmodules file as git writes it", (t) => {
  const text = `[submodule "a b"]\r\n\tpath = libs/a\r\n\turl = https://x/a.git\r\n\tbranch = main\n[submodule "c"]\n\turl = "https://x/c.git"\n\tpath = c\n[submodule "half"]\n\tpath = half\n`;
  t.deepEqual(
    [...readModules(text)],
    [
      ["libs/a", "https://x/a.git"],
      ["c", "https://x/c.git"],
    ],
  );
});
