import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "ava";
import {
  runCommand,
  startPushWorld,
  type PushWorld,
  type WorkTree,
} from "../support/push-world.ts";

let world: PushWorld;
test.before(async () => {
  world = await startPushWorld();
});
test.after.always(() => world?.stop());

/** A commit of one entry, made past what git's own commands would refuse. */
async function commitOf(
  work: WorkTree,
  entry: { mode: string; name: string; text: string },
): Promise<string> {
  const run = async (args: string[], input: string | Buffer = "") => {
    const { status, output } = await runCommand("git", args, {
      cwd: work.path,
      env: work.env,
      input,
    });
    if (status !== 0) throw new Error(output);
    return output.trim();
  };
  const blob = await run(["hash-object", "-w", "--stdin"], entry.text);
  const line = Buffer.from(`${entry.mode} ${entry.name}\0`);
  const tree = Buffer.concat([line, Buffer.from(blob, "hex")]);
  const treeId = await run(["hash-object", "-w", "--stdin", "-t", "tree", "--literally"], tree);
  return run(["commit-tree", treeId, "-m", "hostile"]);
}

test("hostile submodules and trees are refused before anything is stored", async (t) => {
  const work = await world.repository();
  const canary = join(world.dir, "canary");
  const module = (path: string, url: string) =>
    `[submodule "${path}"]\n\tpath = ${path}\n\turl = ${url}\n`;
  const hostile = [
    { mode: "100644", name: ".gitmodules", text: module("sub", `-u./touch ${canary}`) },
    {
      mode: "100644",
      name: ".gitmodules",
      text: module("../../modules/x", "https://example.org/x"),
    },
    {
      mode: "100644",
      name: ".gitmodules",
      text: module("sub", "https://example.org/x\\nhost=evil"),
    },
    { mode: "120000", name: ".gitmodules", text: "/etc/passwd" },
    { mode: "100755", name: ".git", text: "x" },
    { mode: "100755", name: "..", text: "x" },
    { mode: "100755", name: "a/b", text: "x" },
  ];
  for (const entry of hostile) {
    const commit = await commitOf(work, entry);
    const { status, output } = await work.git([
      "push",
      world.remote("shop"),
      `${commit}:refs/heads/main`,
    ]);
    t.not(status, 0, entry.name);
    t.regex(output, /remote: (fatal|error|warning).*|unpack|index-pack/, entry.name);
    t.is(await world.git.inspect("shop", commit), null);
  }
  t.false(world.deploys.some(({ app }) => app === "shop"));
  t.false(existsSync(canary));
});

test("what is unpacked for a build has no submodule, and runs no hook", async (t) => {
  const work = await world.repository({
    "index.html": "hello\n",
    ".gitmodules": '[submodule "sub"]\n\tpath = sub\n\turl = https://example.org/x\n',
    "hooks/post-checkout": "#!/bin/sh\ntouch canary\n",
  });
  await work.git(["update-index", "--add", "--cacheinfo", `160000,${await work.head()},sub`]);
  await work.git(["commit", "--quiet", "--message", "With a submodule"]);
  const { status, output } = await work.git(["push", world.remote("sub"), "main"]);
  t.is(status, 0, output);
  const { stream, done } = world.git.archive("sub", await work.head());
  const tar = await text(stream);
  await done;
  t.regex(tar, /index\.html/);
  t.notRegex(tar, /example\.org\/x\.git/);
  t.deepEqual(readdirSync(join(world.reposDir, "sub.git")).includes("modules"), false);
});
