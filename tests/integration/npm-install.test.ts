import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { goLive, pushOf, startApi } from "../support/api.ts";

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, "../..");

test("the command line works as a package that npm installs globally, and needs no clone", async (t) => {
  t.timeout(300_000);
  const dir = mkdtempSync(join(tmpdir(), "teal-npm-"));
  const api = await startApi();
  try {
    await api.store.createApp("shop", "ann");
    await goLive(api.store, "shop", await api.deploys.push(pushOf("shop", "aaa")));
    const home = join(dir, "home");
    // This test's own Node first: a global install has one of its own only when scripts may run.
    const PATH = `${dirname(process.execPath)}:${process.env["PATH"]}`;
    const npmEnv = { ...process.env, PATH };
    const { stdout } = await run("npm", ["pack", ROOT, "--silent"], { cwd: dir, env: npmEnv });
    const file = join(dir, stdout.trim().split("\n").at(-1)!);
    t.true(statSync(file).size < 2_000_000);
    const prefix = join(dir, "prefix");
    const flags = ["--ignore-scripts", "--omit=dev", "--omit=optional", "--no-audit", "--no-fund"];
    await run("npm", ["install", "-g", "--prefix", prefix, ...flags, file], {
      cwd: dir,
      env: npmEnv,
    });

    const teal = (args: string[], input = "") =>
      new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
        const options = { cwd: dir, env: { PATH, HOME: home } };
        const child = execFile(join(prefix, "bin", "teal"), args, options, (error, out, err) =>
          done({
            code: typeof error?.code === "number" ? error.code : 0,
            stdout: out,
            stderr: err,
          }),
        );
        child.stdin?.end(input);
      });
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const said = await teal(["--version"]);
    t.deepEqual(said, { code: 0, stdout: `teal ${version}\n`, stderr: "" });
    const signedIn = await teal(["login", api.url], api.tokens.admin);
    t.is(signedIn.code, 0, signedIn.stderr);
    const releases = await teal(["releases", "-a", "shop"]);
    t.is(releases.code, 0, releases.stderr);
    t.regex(releases.stdout, /v1 +live +blue/);
    t.regex((await teal(["contexts"])).stdout, /^\* +127\.0\.0\.1:\d+ +http/m);
    t.is((await teal(["whoami", "--context", "other"])).code, 4);
    const page = readFileSync(join(prefix, "share/man/man1/teal.1"), "utf8");
    t.is(page, (await teal(["help", "--man"])).stdout);
    t.regex(page, /^\\fBrollback\\fR/m);
    // As its users have it in their shells: found on the PATH, asked by the shell at its start.
    const shellEnv = { PATH: `${join(prefix, "bin")}:${PATH}`, HOME: home };
    const shell = async (name: string, ...args: string[]) =>
      (await run(name, args, { cwd: dir, env: shellEnv })).stdout.trim();
    const inBash =
      "source <(teal completion bash); COMP_LINE='teal rollb' COMP_POINT=10; _teal; echo $COMPREPLY";
    t.is(await shell("bash", "--norc", "-c", inBash), "rollback");
    const inZsh =
      'autoload -Uz compinit && compinit -u; source <(teal completion zsh); print -r -- "$_comps[teal]"';
    t.is(await shell("zsh", "-fc", inZsh), "_teal");
    t.regex((await teal(["completion", "fish"])).stdout, /^complete -c teal/m);
    const up = await teal(["up"]);
    t.is(up.code, 2);
    t.regex(up.stderr, /in the clone of the platform/);
  } finally {
    await api.stop();
    rmSync(dir, { recursive: true, force: true });
  }
});
