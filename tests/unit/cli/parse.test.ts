import test from "ava";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { readSettings } from "../../../apps/config.ts";
import { COMMANDS } from "../../../apps/cli/commands.ts";
import { describe, optionsOf, overview } from "../../../apps/cli/help.ts";
import { parse } from "../../../apps/cli/parse.ts";
import { findServer } from "../../../apps/cli/server.ts";
import { TealError } from "../../../apps/errors.ts";
import { appOfRemote } from "../../../apps/git-remote.ts";

const read = (...argv: string[]) => parse(argv, COMMANDS, optionsOf);
const refused = (...argv: string[]) => {
  try {
    read(...argv);
  } catch (error) {
    if (error instanceof TealError) return error;
    throw error;
  }
  throw new Error(`${argv.join(" ")} was taken`);
};

test("options may stand before and after the command", (t) => {
  for (const argv of [
    ["rollback", "v3", "-a", "shop"],
    ["-a", "shop", "rollback", "v3"],
    ["--app", "shop", "rollback", "v3"],
  ]) {
    const { command, args, options } = read(...argv);
    t.is(command.name, "rollback");
    t.deepEqual(args, ["v3"]);
    t.is(options["app"], "shop");
  }
  t.is(read("apps").command.name, "apps:list");
  t.is(read().command.name, "help");
  t.is(read("--version").command.name, "version");
});

test("a wrong call says what was expected, with exit code 2", (t) => {
  const cases: [string[], RegExp][] = [
    [["apps:create"], /takes NAME, and none came/],
    [["apps:create", "a", "b"], /takes NAME, and 'a b' came/],
    [["releases", "--foo"], /Unknown option '--foo'/],
    [["releases", "--limit"], /--limit/],
    [["up"], /launcher/],
  ];
  for (const [argv, says] of cases) {
    const error = refused(...argv);
    t.regex(error.says, says);
    t.is(error.exit, 2);
  }
});

test("a misspelt command is answered with the one that was meant", (t) => {
  t.regex(refused("rolback").todo, /teal rollback'/);
  t.regex(refused("app:create").todo, /teal apps:create'/);
  t.regex(refused("tokns").todo, /teal tokens'/);
  t.regex(refused("xyzzy-plugh").todo, /teal help/);
});

test("every command has help with its arguments, its options and an example of itself", (t) => {
  const all = overview(COMMANDS);
  for (const command of COMMANDS) {
    t.true(all.includes(`  ${command.name}`));
    const text = describe(command);
    t.true(text.includes(`Usage: teal ${[command.name, ...command.args].join(" ")}`));
    t.true(command.example.includes(`teal ${command.name}`));
    for (const name of Object.keys(optionsOf(command))) t.true(text.includes(`--${name}`));
    if (command.run)
      t.notThrows(() =>
        read(
          ...command.example
            .replace(/ [<>] .*$/, "")
            .split(" ")
            .slice(1),
        ),
      );
  }
});

test("without settings the commands speak to this machine's platform, where apps/config.ts has it", async (t) => {
  const settings = readSettings({});
  const { url } = await findServer({ TEAL_HOME: "/nonexistent" });
  t.is(url.port, String(settings.apiPort));
  t.is(settings.home, process.getuid?.() === 0 ? "/var/lib/teal" : `${homedir()}/.teal`);
});

test("the platform of a home is found where its last 'teal up' was told to listen", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "teal-cli-"));
  t.teardown(() => rmSync(home, { recursive: true, force: true }));
  writeFileSync(join(home, "admin-token"), "teal_x\n");
  const kept = { TEAL_API_PORT: "9000", TEAL_BIND: "10.1.2.3" };
  writeFileSync(join(home, "settings.json"), JSON.stringify(kept));
  const found = await findServer({ TEAL_HOME: home });
  t.is(found.url.origin, "http://10.1.2.3:9000");
  t.is(found.token, "teal_x");
  const { url } = await findServer({ TEAL_HOME: home, TEAL_API_PORT: "9001", TEAL_BIND: "::" });
  t.is(url.origin, "http://127.0.0.1:9001");
  writeFileSync(join(home, "settings.json"), "{");
  t.is((await findServer({ TEAL_HOME: home })).url.port, "8000");
});

test("the admin token of this machine is sent to no other platform", async (t) => {
  const { token } = await findServer({
    TEAL_URL: "http://elsewhere.example",
    TEAL_HOME: process.env["TEAL_HOME"],
  });
  t.is(token, null);
  await t.throwsAsync(findServer({ TEAL_URL: "elsewhere" }), { message: /an address such as/ });
});

test("the git remotes of a platform name their app, others none", (t) => {
  const mine = [
    "http://localhost:8000/git/shop.git",
    "http://ann:secret@host:8000/git/shop",
    "https://deploy.example.org/git/shop.git/",
    "ssh://teal@localhost:2222/shop",
    "ssh://teal@localhost:2222/shop.git",
    "teal@localhost:shop.git",
  ];
  for (const url of mine) t.is(appOfRemote(url), "shop", url);
  for (const url of [
    "https://github.com/ann/shop.git",
    "git@github.com:ann/shop.git",
    "/srv/git/shop.git",
    "",
    "--upload-pack=x",
  ]) {
    t.is(appOfRemote(url), null, url);
  }
});
