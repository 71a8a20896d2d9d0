import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { ask } from "../support/asking.ts";
import { type Platform, startPlatform } from "../support/platform.ts";
import { createRepo } from "../support/repo.ts";
import { createTeal } from "../support/teal-cli.ts";

const run = promisify(execFile);
const HOST = "shop.localhost";

/** Commands that read and whose answer does not change by itself: alike by either way, byte for byte. */
const READING: readonly string[] = [
  ...["apps:list", "apps:info -a shop", "ps -a shop", "checks -a shop", "limits -a shop"],
  ...["releases -a shop", "releases:info v1 -a shop", "releases:diff v1 v2 -a shop"],
  ...["deploys -a shop", "logs --deploy shop-1", "config -a shop", "config:export -a shop"],
  ...["domains -a shop", "routing -a shop", "certs -a shop", "storage -a shop", "cron -a shop"],
  ...["retention -a shop", "guard -a shop", "ps:crashes -a shop", "access -a shop", "users"],
  ...["hooks -a shop", "hooks:deliveries -a shop", "notifications -a shop", "registry"],
  ...["notifications:deliveries -a shop", "open -a shop", "help rollback", "help", "version"],
  // Errors are alike too.
  ...["releases -a nothing", "releases:info v99 -a shop", "rolback", "ps --wrong", "help nothing"],
];

interface Said {
  code: number;
  out: string;
  err: string;
}

const IN_WORDS = ["releases -a shop", "apps:info -a shop", "help rollback", "rolback"];

const ageless = (text: string) => text.replaceAll(/\b\d+ ?(s|seconds?|m|min|minutes?) ago/g, "AGO");

/** One JSON value, or one a line as logs have it. */
function values(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as unknown);
  }
}

/** Makes a key, gives it to the platform, and returns how to say a command over SSH. */
async function sshUser(platform: Platform, role: "admin" | "read") {
  const key = join(platform.home, `key-${role}`);
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const publicKey = readFileSync(`${key}.pub`, "utf8");
  const added = await platform.api("POST", "/keys", {
    name: role,
    role,
    apps: "*",
    key: publicKey,
  });
  if (added.status >= 300) throw new Error(JSON.stringify(added.body));
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
  const line = [...options, "LogLevel=ERROR", "IdentitiesOnly=yes"].flatMap((o) => ["-o", o]);
  const identity = ["-F", "/dev/null", "-i", key, ...line];
  return {
    git: ["ssh", ...identity].join(" "),
    async say(...words: string[]): Promise<Said> {
      const args = [...identity, "-p", String(platform.sshPort), "teal@127.0.0.1", ...words];
      try {
        const { stdout, stderr } = await run("ssh", args);
        return { code: 0, out: stdout, err: stderr };
      } catch (error) {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, out: stdout, err: stderr };
      }
    },
  };
}

test("a push and the platform's commands over SSH, with exit codes, by OpenSSH itself", async (t) => {
  t.timeout(240_000);
  const platform = await startPlatform();
  const repo = createRepo("hello-plain", platform, "shop");
  try {
    const admin = await sshUser(platform, "admin");
    const reader = await sshUser(platform, "read");
    await repo.init();
    await repo.git("remote", "set-url", "deploy", `ssh://teal@127.0.0.1:${platform.sshPort}/shop`);
    await repo.git("config", "core.sshCommand", admin.git);
    for (const version of ["one", "two"]) {
      const pushed = await repo.push({ "version.txt": version });
      t.is(pushed.status, 0, pushed.text);
    }
    t.is(await ask(platform.routerPort, HOST), "two");

    const back = await admin.say("rollback", "-a", "shop");
    t.is(back.code, 0, back.err);
    t.is(await ask(platform.routerPort, HOST), "one");
    const releases = await admin.say("releases", "-a", "shop", "--json");
    const listed = JSON.parse(releases.out) as { n: number; status: string }[] | { releases: [] };
    t.is((Array.isArray(listed) ? listed : listed.releases).length, 3);

    t.is((await admin.say("rolback", "-a", "shop")).code, 2);
    t.is((await admin.say("releases", "-a", "nothing")).code, 4);
    t.is((await reader.say("rollback", "-a", "shop")).code, 3);
    t.is(await ask(platform.routerPort, HOST), "one");

    const canary = join(platform.home, "canary");
    for (const hostile of [`apps:info -a "x;touch ${canary}"`, `apps:info -a $(touch ${canary})`]) {
      t.not((await admin.say(hostile)).code, 0);
    }
    t.false(existsSync(canary));

    const { teal } = createTeal(platform);
    for (const line of [...READING.map((one) => `${one} --json`), ...IN_WORDS]) {
      const [here, there] = await Promise.all([teal(line.split(" ")), admin.say(line)]);
      // Only what is said in words has ages of seconds in it.
      const told = ({ code, out, err }: Said) => ({ code, out: ageless(out), err });
      t.deepEqual(told(there), told(here), line);
      if (line.endsWith("--json") && here.code === 0) t.notThrows(() => values(here.out), line);
    }
    const found = await admin.say("doctor", "-a", "shop", "--json");
    t.is(found.code, (await teal(["doctor", "-a", "shop", "--json"])).code, found.err);
    t.is(typeof JSON.parse(found.out), "object");

    const at = `ssh://teal@127.0.0.1:${platform.sshPort}`;
    t.is((await admin.say("whoami")).out, `admin (admin, all apps) at ${at}\n`);
    t.is((await teal(["whoami"])).out, `admin (admin, all apps) at ${platform.apiUrl}\n`);

    // The same over HTTP, for the log of a deploy that nobody watched.
    const log = await admin.say("logs", "--deploy", "shop-1", "-a", "shop");
    t.regex(log.out + log.err, /Starting v1 in blue/);
    const lines = await reader.say("logs", "-a", "shop", "--source", "teal", "-n", "100");
    t.regex(lines.out, /teal\[blue\]: web\.1 started/);
  } finally {
    repo.remove();
    await platform.stop();
  }
});
