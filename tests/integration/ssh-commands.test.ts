import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { type AppWorld, testApp } from "../support/test-app.ts";
import { ask } from "../support/asking.ts";
import { type Platform, until } from "../support/platform.ts";
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
  ...[
    "notifications:deliveries -a shop",
    "open -a shop",
    "build -a shop",
    "ps:handover -a shop",
    "completion zsh",
    "help rollback",
    "help",
    "version",
  ],
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
async function sshUser(
  platform: Platform,
  role: "admin" | "deploy" | "read",
  apps: "*" | string[] = "*",
) {
  const key = join(platform.home, `key-${role}`);
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
  const publicKey = readFileSync(`${key}.pub`, "utf8");
  const added = await platform.api("POST", "/keys", {
    name: role,
    role,
    apps,
    key: publicKey,
  });
  if (added.status >= 300) throw new Error(JSON.stringify(added.body));
  const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"];
  const line = [...options, "LogLevel=ERROR", "IdentitiesOnly=yes"].flatMap((o) => ["-o", o]);
  const identity = ["-F", "/dev/null", "-i", key, ...line];
  const there = ["-p", String(platform.sshPort), "teal@127.0.0.1"];
  const shared = join(platform.home, `shared-${role}`);
  return {
    git: ["ssh", ...identity].join(" "),
    /** From now on commands share one connection; ends it. */
    async share(): Promise<() => void> {
      const args = [...identity, "-M", "-N", "-S", shared, ...there];
      const master = spawn("ssh", args, { stdio: "ignore" });
      await until(10_000, async () => existsSync(shared));
      return () => void master.kill();
    },
    /** What a command says on a terminal of so many columns, as it says it. */
    async onTerminal(columns: number, ...words: string[]): Promise<string> {
      const quoted = ["ssh", "-t", ...identity, ...there, ...words].map((word) => `'${word}'`);
      const command = `stty cols ${columns}; exec ${quoted.join(" ")}`;
      return (await run("script", ["-qec", command, "/dev/null"])).stdout;
    },
    async say(...words: string[]): Promise<Said> {
      const args = [...identity, "-S", shared, ...there, ...words];
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

type SshUser = Awaited<ReturnType<typeof sshUser>>;
interface Context extends AppWorld {
  admin: SshUser;
  reader: SshUser;
}
const test = testApp<Context>({ app: "shop", fixture: "hello-plain", files: null });

test.serial.before("an admin and somebody who may read, with OpenSSH's client", async (t) => {
  t.context.admin = await sshUser(t.context.platform, "admin");
  t.context.reader = await sshUser(t.context.platform, "read");
});

test.serial("a push and commands over SSH, with exit codes", async (t) => {
  t.timeout(120_000);
  const { platform, repo, admin, reader } = t.context;
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

  // The log of a deploy that nobody watched.
  const log = await admin.say("logs", "--deploy", "shop-1", "-a", "shop");
  t.regex(log.out + log.err, /Starting v1 in blue/);
  const lines = await reader.say("logs", "-a", "shop", "--source", "teal", "-n", "100");
  t.regex(lines.out, /teal\[blue\]: web\.1 started/);
});

test.serial("to a key for another app this one is as if it were not there", async (t) => {
  const { platform } = t.context;
  await platform.api("POST", "/apps", { name: "other" });
  const stranger = await sshUser(platform, "deploy", ["other"]);
  const asked = ["apps:info", "releases", "config", "logs", "rollback", "run true", "ps:stop"];
  for (const words of [...asked, "apps:destroy --confirm shop"]) {
    const [there, missing] = await Promise.all([
      stranger.say(`${words} -a shop`),
      stranger.say(`${words.replace("shop", "nosuch")} -a nosuch`),
    ]);
    t.is(there.code, 4, words);
    t.is(there.err.replaceAll("shop", "APP"), missing.err.replaceAll("nosuch", "APP"));
  }
  for (const service of ["git-upload-pack", "git-receive-pack"])
    t.not((await stranger.say(`${service} 'shop'`)).code, 0, service);
  t.is(await ask(platform.routerPort, HOST), "one");
  t.is((await stranger.say("apps:list --json")).out.includes("shop"), false);
});

test.serial("on a terminal at the other end tables fit it, and have colours", async (t) => {
  const { admin } = t.context;
  const lineOf = (text: string) => stripVTControlCharacters(text).trimEnd();
  for (const columns of [80, 40]) {
    const said = await admin.onTerminal(columns, "releases", "-a", "shop");
    const [table = ""] = said.split("The warm release");
    t.true(said.includes("\u001b[32m") && said.includes("\u001b[34m"), said);
    for (const line of table.split("\r\n")) t.true(lineOf(line).length <= columns, line);
    t.regex(lineOf(table), columns === 80 ? /^RELEASE +STATUS/ : /^RELEASE +v3$/m);
  }
  const plain = await admin.say("releases", "-a", "shop");
  t.false(plain.out.includes("\u001b"));
});

test.serial("what reads answers over SSH as the command line does, byte for byte", async (t) => {
  t.timeout(150_000);
  const { platform, admin } = t.context;
  const { teal } = createTeal(platform);
  t.teardown(await admin.share());
  const compare = async (line: string) => {
    const [here, there] = await Promise.all([teal(line.split(" ")), admin.say(line)]);
    // Only what is said in words has ages of seconds in it.
    const told = ({ code, out, err }: Said) => ({ code, out: ageless(out), err });
    t.deepEqual(told(there), told(here), line);
    if (line.endsWith("--json") && here.code === 0) t.notThrows(() => values(here.out), line);
  };
  const left = [...READING.map((one) => `${one} --json`), ...IN_WORDS];
  const some = async () => {
    for (let line = left.shift(); line !== undefined; line = left.shift()) await compare(line);
  };
  await Promise.all([some(), some()]);
  const found = await admin.say("doctor", "-a", "shop", "--json");
  t.is(found.code, (await teal(["doctor", "-a", "shop", "--json"])).code, found.err);
  t.is(typeof JSON.parse(found.out), "object");
});
