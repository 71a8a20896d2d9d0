import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import test from "ava";
import { startApi, type TestApi } from "../../support/api.ts";
import { runCommand } from "../../support/push-world.ts";
import { runCli } from "../../support/run-cli.ts";

let api: TestApi;
let dir: string;
test.before(async () => {
  api = await startApi();
  dir = mkdtempSync(join(tmpdir(), "teal-cli-"));
  await api.store.createApp("shop", "ann");
});
test.after.always(async () => {
  await api.stop();
  rmSync(dir, { recursive: true, force: true });
});

function teal(args: string[], input: string | Buffer = "", more: NodeJS.ProcessEnv = {}) {
  const env = { HOME: dir, TEAL_URL: api.url, TEAL_TOKEN: api.tokens.admin, ...more };
  return runCli(args, { env, cwd: dir, input });
}

const newest = async () => (await api.store.listDeploys("shop", 1))[0];

/** Paths in the commit's tree. */
async function filesOf(commit = ""): Promise<string[]> {
  const { stream, done } = api.git.archive("shop", commit);
  const input = await buffer(stream);
  await done;
  const { output } = await runCommand("tar", ["-t"], { cwd: dir, input });
  return output.trim().split("\n").toSorted();
}

function write(files: Record<string, string>): string {
  const folder = mkdtempSync(join(dir, "app-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

test.serial(
  "a folder is deployed without its .git, its dependencies and what .dockerignore names",
  async (t) => {
    const folder = write({
      "server.js": "1",
      ".dockerignore": "*.secret\n",
      "my.secret": "s",
      ".git/config": "[core]",
      "node_modules/a/index.js": "2",
      "lib/b.js": "3",
    });
    const { code, stdout, stderr } = await teal(["deploy", folder, "-a", "shop", "--no-follow"]);
    t.is(code, 0, stderr);
    t.regex(stdout, /^shop-1 is on its way/);
    const deploy = await newest();
    t.like(deploy, { kind: "push", by: "ann", why: folder });
    t.deepEqual(await filesOf(deploy?.commit), [".dockerignore", "lib/", "lib/b.js", "server.js"]);
    await teal([
      "deploy",
      folder,
      "-a",
      "shop",
      "--no-follow",
      "--hold",
      "--no-cache",
      "--irreversible",
      "--verbose",
    ]);
    const said = { hold: true, fresh: true, irreversible: true, verbose: true };
    t.like(await newest(), { commit: deploy?.commit, ...said });
  },
);

test.serial("an archive is deployed, as a file or on standard input, also over SSH", async (t) => {
  const folder = write({ "app-1.0/server.js": "1", "app-1.0/x": "2" });
  const file = join(folder, "app.tar.gz");
  await runCommand("tar", ["-czf", file, "-C", folder, "app-1.0"], { cwd: folder });
  t.is((await teal(["deploy", file, "-a", "shop", "--no-follow"])).code, 0);
  const commit = (await newest())?.commit;
  t.deepEqual(await filesOf(commit), ["server.js", "x"], "the folder around it is left out");
  const over = { TEAL_OVER_SSH: "1" };
  const sent = await teal(["deploy", "-", "-a", "shop", "--no-follow"], readFileSync(file), over);
  t.is(sent.code, 0, sent.stderr);
  t.is((await newest())?.commit, commit);
  const refused = await teal(["deploy", file, "-a", "shop", "--no-follow"], "", over);
  t.is(refused.code, 2, "over SSH files are the platform's, and none is opened");
});

test.serial("an image, a branch, and what is neither", async (t) => {
  const image = await teal([
    "deploy",
    "--image",
    "ghcr.io/ann/shop:1",
    "-a",
    "shop",
    "--no-follow",
    "--json",
  ]);
  t.like(JSON.parse(image.stdout), { image: "ghcr.io/ann/shop:1", state: "queued" });
  const commit = (await api.store.listDeploys("shop", 2))[1]?.commit ?? "";
  const exact = await teal(["deploy", "--ref", commit, "-a", "shop", "--no-follow"]);
  t.is(exact.code, 0, exact.stderr);
  t.is((await teal(["deploy", "topic", "-a", "shop", "--no-follow"])).code, 4);
  t.is((await teal(["deploy", "./nowhere", "-a", "shop", "--no-follow"])).code, 2);
  t.is((await teal(["deploy", ".", "--image", "x", "-a", "shop"])).code, 2);
});

test.serial("build options are set, shown and unset", async (t) => {
  const set = await teal(["build:set", "root=apps/web", "arg.MODE=x", "-a", "shop"]);
  t.is(set.code, 0, set.stderr);
  t.regex((await teal(["build", "-a", "shop"])).stdout, /arg\.MODE +x\nroot +apps\/web\n/);
  await teal(["build:env", "NPM_TOKEN", "-a", "shop"]);
  await teal(["buildpacks:set", "https://github.com/a/b#v1", "-a", "shop"]);
  t.deepEqual(JSON.parse((await teal(["build", "-a", "shop", "--json"])).stdout), {
    "arg.MODE": "x",
    buildpacks: "https://github.com/a/b#v1",
    "env.NPM_TOKEN": "on",
    root: "apps/web",
  });
  await teal(["buildpacks:clear", "-a", "shop"]);
  const left = await teal(["build:unset", "root", "arg.MODE", "env.NPM_TOKEN", "-a", "shop"]);
  t.regex(left.stdout, /No build options/);
  t.is((await teal(["build:set", "root=/etc", "-a", "shop"])).code, 2);
});

test.serial("a registry is logged in to with a password that no process list shows", async (t) => {
  const login = await teal(["registry:login", "ghcr.io", "-u", "ann"], "s3cret\n");
  t.is(login.code, 0, login.stderr);
  t.is((await api.options.registries.open("ghcr.io"))?.password, "s3cret");
  t.regex((await teal(["registry"])).stdout, /ghcr\.io +ann +ghcr\.io/);
  t.is((await teal(["registry:logout", "ghcr.io"])).code, 0);
  t.is((await teal(["registry:logout", "ghcr.io"])).code, 4);
  t.is((await teal(["registry:login", "ghcr.io"], "x")).code, 2);
});
