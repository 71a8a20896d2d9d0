import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { startPushWorld, type PushWorld } from "../support/push-world.ts";
import { createSshUser, SHOWING_CLI, type SshUser } from "../support/ssh-client.ts";

const dir = mkdtempSync(join(tmpdir(), "teal-row6-"));
const canary = join(dir, "canary");
let world: PushWorld;
let admin: SshUser;

test.before(async () => {
  const cliFile = join(dir, "cli.mjs");
  writeFileSync(cliFile, SHOWING_CLI);
  world = await startPushWorld({ cliFile });
  admin = await createSshUser(world, "admin", "admin");
  const work = await world.repository();
  await work.git(["push", world.remote("shop"), "main"]);
});
test.after.always(async () => {
  await world?.stop();
  rmSync(dir, { recursive: true, force: true });
});

test("git over ssh is two commands with an app's name, and nothing that resembles them", async (t) => {
  const hostile = [
    `git-upload-pack '/shop'; touch ${canary}`,
    `git-upload-pack '/shop' && touch ${canary}`,
    `git-upload-pack '$(touch ${canary})'`,
    `git-upload-pack --upload-pack="touch ${canary}" 'shop'`,
    `git-receive-pack '--exec=touch ${canary}'`,
    "git-upload-pack '../repos/shop'",
    "git-upload-pack '/shop.git/../shop'",
    "git-upload-pack 'shop' 'shop'",
    "git-upload-pack shop",
    "git-upload-archive 'shop'",
    "git-shell",
    "git upload-pack 'shop'",
    " git-upload-pack 'shop'",
  ];
  for (const command of hostile) {
    const { status, output } = await admin.ssh([command]);
    t.is(status, 2, `${command}: ${output}`);
    t.regex(output, /git-receive-pack 'APP' or git-upload-pack 'APP' was expected/, command);
  }
  t.false(existsSync(canary));
});

test("a command of the platform gets words, never a shell", async (t) => {
  const { output } = await admin.ssh([
    `apps:list ; touch ${canary} | $(touch ${canary}) \`touch ${canary}\``,
  ]);
  const shown = JSON.parse(output.split("\n")[0]!) as { args: string[] };
  t.is(shown.args[0], "apps:list");
  t.true(shown.args.includes(";") && shown.args.includes("|"));
  t.false(existsSync(canary));
});

test("of the client's environment only GIT_PROTOCOL comes through", async (t) => {
  const evil = [
    "LD_PRELOAD=/x.so",
    "NODE_OPTIONS=--require=/x.js",
    "PATH=/tmp",
    "GIT_DIR=/tmp",
    "GIT_PROTOCOL=version=2",
    "TEAL_URL=http://evil",
  ];
  const { output } = await admin.ssh(["env"], { flags: ["-o", `SetEnv=${evil.join(" ")}`] });
  const { env } = JSON.parse(output.split("\n")[0]!) as { env: Record<string, string> };
  t.deepEqual(Object.keys(env).toSorted(), [
    "HOME",
    "LC_ALL",
    "PATH",
    "TEAL_OVER_SSH",
    "TEAL_TOKEN",
    "TEAL_URL",
  ]);
  t.regex(env["TEAL_URL"]!, /^http:\/\/127\.0\.0\.1:/);
  t.is(env["TEAL_OVER_SSH"], `ssh://teal@127.0.0.1:${world.sshPort}`);
});
