import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { eventually, startPushWorld, type PushWorld } from "../support/push-world.ts";
import { createSshUser, SHOWING_CLI, type SshUser } from "../support/ssh-client.ts";

const dir = mkdtempSync(join(tmpdir(), "teal-ssh-"));
const cliFile = join(dir, "cli.mjs");
let world: PushWorld;
let admin: SshUser;

test.before(async () => {
  writeFileSync(cliFile, SHOWING_CLI);
  world = await startPushWorld({ cliFile, publicUrl: "https://deploy.example.org" });
  admin = await createSshUser(world, "admin", "admin");
});
test.after.always(async () => {
  await world?.stop();
  rmSync(dir, { recursive: true, force: true });
});

test.serial("a push over ssh goes the same way, and can be cloned", async (t) => {
  const work = await world.repository();
  const { status, output } = await work.git(["push", admin.remote("shop"), "main"], admin.env);
  t.is(status, 0, output);
  t.regex(output, /remote: -----> Deploy shop-1/);
  t.like((await world.store.listDeploys("shop", 1))[0], { by: "admin", state: "live" });
  t.is(await world.git.readRef("shop", "refs/heads/main"), await work.head());
  for (const version of ["0", "2"]) {
    const clone = await work.git(
      [
        "-c",
        `protocol.version=${version}`,
        "clone",
        "--quiet",
        admin.remote("shop"),
        `clone-${version}`,
      ],
      admin.env,
    );
    t.is(clone.status, 0, clone.output);
  }
});

test.serial("a key that is not in the store, or no longer, lets nobody in", async (t) => {
  const gone = await createSshUser(world, "gone", "admin");
  t.not((await gone.ssh(["apps:list"])).status, 255);
  t.true(await world.access.removeKey(gone.fingerprint));
  const { status, output } = await gone.ssh(["apps:list"]);
  t.is(status, 255);
  t.regex(output, /Permission denied \(publickey\)/);
});

test.serial("a key sees only its apps and does only what its role may", async (t) => {
  const reader = await createSshUser(world, "reader", "read", ["shop"]);
  const stranger = await createSshUser(world, "stranger", "deploy", ["other"]);
  const work = await world.repository();
  const pushed = await work.git(["push", admin.remote("shop"), "main:topic"], reader.env);
  t.not(pushed.status, 0);
  t.regex(pushed.output, /reader may not push to shop/);
  t.is((await work.git(["ls-remote", admin.remote("shop")], reader.env)).status, 0);
  for (const app of ["shop", "never-made"]) {
    const refused = await work.git(["push", admin.remote(app), "main"], stranger.env);
    t.not(refused.status, 0);
    t.regex(refused.output, new RegExp(`There is no app named ${app}`));
  }
});

test.serial(
  "any other command is the platform's, with a token of its own that ends with it",
  async (t) => {
    const { status, output } = await admin.ssh(
      ["config:set", "-a", "shop", `'A=it is "so"'`, "B=\\$HOME;id"],
      {
        input: "from the client",
        flags: ["-o", "SetEnv=NODE_OPTIONS=--inspect LD_PRELOAD=/tmp/x.so TEAL_TOKEN=other"],
      },
    );
    t.is(status, 7);
    t.regex(output, /to standard error/);
    const shown = JSON.parse(output.split("\n")[0]!);
    t.deepEqual(shown.args, ["config:set", "-a", "shop", 'A=it is "so"', "B=$HOME;id"]);
    t.is(shown.input, "from the client");
    t.is(shown.cwd, "/");
    t.deepEqual(Object.keys(shown.env).toSorted(), [
      "HOME",
      "LC_ALL",
      "PATH",
      "TEAL_OVER_SSH",
      "TEAL_TOKEN",
      "TEAL_URL",
    ]);
    t.regex(shown.env.TEAL_TOKEN, /^teal_/);
    t.is(shown.env.TEAL_OVER_SSH, "https://deploy.example.org");
    await eventually(async () => (await world.access.verifyToken(shown.env.TEAL_TOKEN)) === null);
  },
);

test.serial(
  "a shell, with a terminal or without, a subsystem and a forwarding are refused",
  async (t) => {
    const shell = await admin.ssh([]);
    t.is(shell.status, 2);
    t.regex(shell.output, /there is no shell here/);
    const sftp = await admin.ssh(["sftp"], { flags: ["-s"] });
    t.not(sftp.status, 0);
    t.regex(sftp.output, /there is no shell here/);
    const terminal = await admin.ssh([], { flags: ["-tt"] });
    t.is(terminal.status, 2);
    t.regex(terminal.output, /there is no shell here/);
    const forward = await admin.ssh([], { flags: ["-W", "127.0.0.1:1"] });
    t.not(forward.status, 0);
    t.regex(forward.output, /forwarding failed/);
  },
);

test.serial("a command with an open quote is refused with a sentence", async (t) => {
  const { status, output } = await admin.ssh(["config:set 'A=1"]);
  t.is(status, 2);
  t.regex(output, /quotes closed/);
});

test.serial("a command ends when its client goes, and its token with it", async (t) => {
  const line = admin.line(["wait"]);
  const client = spawn("ssh", line, { env: { PATH: process.env["PATH"]! } });
  const [said] = (await once(client.stdout, "data")) as [Buffer];
  const { pid: command } = JSON.parse(String(said)) as { pid: number };
  t.notThrows(() => process.kill(command, 0));
  client.kill("SIGKILL");
  await eventually(() => !isRunning(command));
  await eventually(async () =>
    (await world.access.listTokens()).every(({ name }) => name === "ada"),
  );
  t.pass();
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.serial("the host key is made once and only its owner may read it", async (t) => {
  t.is(statSync(join(world.dir, "ssh-host-key")).mode & 0o777, 0o600);
});
