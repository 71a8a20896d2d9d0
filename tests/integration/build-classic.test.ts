import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { shellArguments } from "../../buildpacks/command.ts";
import { firstAnswer, startBuilder } from "../support/builder.ts";
import { createIssuer } from "../support/certificates.ts";
import { startCiRepo } from "../support/ci-repo.ts";
import { runCommand } from "../support/push-world.ts";
import { FIXTURES } from "../support/tree.ts";

const scratch = await mkdtemp(join(tmpdir(), "teal-classic-"));
const issuer = await createIssuer();
const caFile = join(scratch, "ca.pem");
await writeFile(caFile, issuer.cert);
const server = await startCiRepo({ tls: await issuer.issue(["localhost"]) });
const builder = await startBuilder({ caFile });
test.after.always(async () => {
  server.stop();
  await builder.close();
  await rm(scratch, { recursive: true, force: true });
});

/** A work tree of the repository that the server has, which holds a buildpack. */
const pack = join(scratch, "pack");
async function git(...args: string[]): Promise<string> {
  const env = { HOME: scratch, GIT_CONFIG_NOSYSTEM: "1" };
  const who = ["-c", "user.name=a", "-c", "user.email=a@b"];
  const { status, output } = await runCommand("git", [...who, ...args], { cwd: pack, env });
  if (status !== 0) throw new Error(output);
  return output.trim();
}

/** Gives the commit. */
async function publish(): Promise<string> {
  await git("add", "-A");
  await git("commit", "-qm", "change");
  await git("push", "-q", server.dir, "main");
  return git("rev-parse", "HEAD");
}

test.serial(
  "a buildpack of a git repository builds an app, at the commit that is said",
  async (t) => {
    t.timeout(300_000);
    await cp(join(FIXTURES, "classic-release", "buildpacks", "perl"), pack, { recursive: true });
    await git("init", "-q", "-b", "main");
    const first = await publish();
    const dir = await builder.copyOf("classic-release");
    await rm(join(dir, "buildpacks"), { recursive: true });
    await writeFile(join(dir, ".buildpacks"), `${server.url}#main\n`);

    const built = await builder.build(dir);
    t.deepEqual(built.buildpacks, [`${server.url}#${first}`]);
    t.true(built.lines.includes(`info: Buildpack ${server.url}#main: commit ${first}`));
    const image = await builder.images.inspect(built.image);
    t.is(image?.config.labels["teal.buildpacks"], `${server.url}#${first}`);
    const { url } = await builder.run(built, shellArguments(built.processes["web"] ?? ""));
    t.regex(await (await firstAnswer(url)).text(), /classic-release it's me/);

    const compiled = (lines: string[]) =>
      lines.find((line) => /RUN .*compile.*: /.test(line)) ?? "";
    const again = await builder.build(dir);
    t.regex(compiled(again.lines), /: cached$/, "the same commit is not run again");
    await writeFile(join(pack, "changed"), builder.namespace);
    const second = await publish();
    const moved = await builder.build(dir);
    t.deepEqual(moved.buildpacks, [`${server.url}#${second}`]);
    t.regex(compiled(moved.lines), /\d s$/, "a branch that has moved is followed");

    await writeFile(join(dir, ".buildpacks"), `${server.url}#nowhere\n`);
    await t.throwsAsync(builder.build(dir), {
      code: "build-failed",
      message: /shop\.git could not be fetched: it has no branch, tag or commit 'nowhere'/,
    });
  },
);

test.serial("a name of a buildpack in app.json is left out, and the log says so", async (t) => {
  const dir = await builder.copyOf("hello-plain");
  await writeFile(join(dir, "app.json"), '{"buildpacks":[{"url":"heroku/nodejs"}]}');
  const { lines } = await builder.build(dir);
  const [warning, ...more] = lines.filter((line) => line.startsWith("warn: app.json"));
  t.regex(warning ?? "", /'heroku\/nodejs' came and is left out/);
  t.deepEqual(more, []);
});

test.serial(
  "a classic buildpack that fails ends the build with its last words and its status",
  async (t) => {
    const error = await t.throwsAsync(builder.build(await builder.copyOf("classic-failing")), {
      code: "build-failed",
    });
    t.regex(error.message, /exit code 3 .*there is none.*buildpacks\/failing ended with status 3/);
  },
);

test.serial("a classic buildpack finds in its cache what it left there", async (t) => {
  const dir = await builder.copyOf("classic-release");
  await builder.build(dir);
  await writeFile(join(dir, "changed.txt"), builder.namespace);
  const { lines } = await builder.build(dir);
  t.regex(lines.join("\n"), /compiled before: [1-9]/);
});

test.serial(
  "a classic buildpack that does not recognise the app, and an app without a start, are said",
  async (t) => {
    const other = await builder.copyOf("classic-release");
    await rm(join(other, "app.pl"));
    const refused = await t.throwsAsync(builder.build(other), { code: "build-failed" });
    t.regex(refused.message, /buildpacks\/perl does not recognise this app/);
    const silent = await builder.copyOf("classic-profile");
    await rm(join(silent, "Procfile"));
    const nothing = await t.throwsAsync(builder.build(silent), { code: "build-failed" });
    t.regex(nothing.message, /no 'web' line in a Procfile, and no buildpack named one/);
  },
);
