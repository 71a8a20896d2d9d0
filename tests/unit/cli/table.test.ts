import test from "ava";
import { type Client, createClient } from "../../../apps/cli/client.ts";
import type { Command } from "../../../apps/cli/command.ts";
import { COMMANDS } from "../../../apps/cli/commands.ts";
import { describe, optionsOf } from "../../../apps/cli/help.ts";
import { createOutput } from "../../../apps/cli/output.ts";
import { parse } from "../../../apps/cli/parse.ts";
import { startApi, type TestApi } from "../../support/api.ts";

let api: TestApi;
test.before(async () => {
  api = await startApi();
  await api.store.createApp("shop", "ann");
});
test.after.always(() => api.stop());

/** Their example names a file that is not here, or takes a whole build to answer. */
const ELSEWHERE: readonly string[] = [
  "config:import",
  "certs:add",
  "maintenance:on",
  "pages:set",
  "build",
];
/** They show values of config. */
const VALUES: readonly string[] = ["config:get", "config:export"];
const own = COMMANDS.filter((one) => one.run);

/** The words of its example behind `teal`, without what a shell would do. */
function exampleOf({ example }: Command): string[] {
  return example
    .replace(/ [<>|] .*$/, "")
    .split(" ")
    .slice(1);
}

/** Runs words as `teal` would, on the address that is given; what it printed, or what it threw. */
/** What commands fail with: how they exit, and what they say. */
type Failure = Error & { exit?: number; says?: string };

async function run(words: string[], { url = api.url, token = api.tokens.admin } = {}) {
  const said: string[] = [];
  const asked: string[] = [];
  const out = createOutput(true, {}, { write: (text) => void said.push(text) }, { write() {} });
  const client = async () => heard(createClient({ url: new URL(url), token }), asked);
  const ran = (error?: Failure) => ({ said: said.join(""), asked, error });
  try {
    const { command, args, options } = parse(words, COMMANDS, optionsOf);
    const app = async () => String(options["app"]);
    await command.run?.({ args, options, app, client, out });
    return ran();
  } catch (error) {
    return ran(error as Failure);
  } finally {
    // Of a command that has failed without an error, such as a doctor that finds something.
    process.exitCode = 0;
  }
}

/** The same client, which notes by which of its ways the platform is asked. */
function heard(client: Client, asked: string[]): Client {
  const ways = Object.entries(client).map(([name, way]) => {
    const noting = (...args: unknown[]): unknown => {
      asked.push(name);
      return (way as (...given: unknown[]) => unknown)(...args);
    };
    return [name, noting] as const;
  });
  return Object.fromEntries(ways) as unknown as Client;
}

/** What a command about an app is shown with, said of this one. */
function aboutApp(command: Command, app: string): string[] {
  const words = exampleOf(command).map((word) => (word === "shop" ? app : word));
  return words.includes(app) ? words : [...words, "-a", app];
}

test("each command has one name, a summary, and an example of itself that parses", (t) => {
  t.is(new Set(COMMANDS.map((one) => one.name)).size, COMMANDS.length);
  for (const command of COMMANDS) {
    const help = describe(command);
    t.regex(command.summary, /^\S.{5,}[^.]$/, command.name);
    t.true(help.includes(`Example: ${command.example}`), command.name);
    if (!command.run) continue;
    const parsed = parse(exampleOf(command), COMMANDS, optionsOf);
    t.is(parsed.command, command, command.example);
    const asked = parse([command.name, "--help"], COMMANDS, optionsOf);
    t.is(asked.options["help"], true, command.name);
  }
});

test("each command ends with 2 for an option it does not have, and for too many or too few arguments", async (t) => {
  for (const command of own) {
    const wrong = [["--no-such-option"]];
    const least = command.args.filter((arg) => !arg.startsWith("[")).length;
    if (least > 0) wrong.push([]);
    const endless = command.rest || command.args.at(-1)?.endsWith("…");
    if (!endless) wrong.push(Array.from({ length: command.args.length + 1 }, () => "x"));
    for (const words of wrong) {
      const { error, said } = await run([command.name, ...words]);
      t.is(error?.exit, 2, `${command.name} ${words.join(" ")}`);
      t.is(said, "");
    }
  }
});

test("each command about an app ends with 4 for one that is not there, and changes nothing", async (t) => {
  const about = own.filter((one) => one.app && !ELSEWHERE.includes(one.name));
  t.true(about.length > 50);
  const wrong: string[] = [];
  for (const command of about) {
    const named = aboutApp(command, "nosuch");
    const { error } = await run(named);
    if (error?.exit !== 4) wrong.push(`${named.join(" ")}: ${error?.says ?? error}`);
  }
  t.deepEqual(wrong, []);
  t.deepEqual(
    (await api.store.listApps()).map(({ name }) => name),
    ["shop"],
  );
});

test("each command that changes an app ends with 3 for who may only look at it, and for nobody", async (t) => {
  const about = own.filter((one) => one.app && !ELSEWHERE.includes(one.name));
  const wrong: string[] = [];
  let refused = 0;
  for (const command of about) {
    // Not what goes on without end.
    const words = aboutApp(command, "shop").filter((word) => word !== "-f");
    const { asked, error } = await run(words, { token: api.tokens.read });
    const changes = asked.some((way) => way !== "get" && way !== "events");
    const may = !changes && !VALUES.includes(command.name);
    if (!may) refused += 1;
    if (may === (error?.exit === 3)) wrong.push(`${words.join(" ")}: ${error?.says ?? error}`);
    const stranger = await run(words, { token: "teal_nobody" });
    if (stranger.error?.exit !== 3) wrong.push(`${words.join(" ")} by nobody`);
  }
  t.deepEqual(wrong, []);
  t.true(refused > 30, String(refused));
});

test("each command that asks a platform ends with 1 where none answers", async (t) => {
  const about = own.filter((one) => one.app && !ELSEWHERE.includes(one.name));
  for (const command of about) {
    const { error } = await run(aboutApp(command, "shop"), { url: "http://127.0.0.1:1" });
    t.is(error?.exit, 1, command.name);
  }
});

test("hooks:add prints where people reach the platform, whatever address it was asked at", async (t) => {
  const words = ["hooks:add", "-a", "shop", "--provider", "github"];
  const url = api.url.replace("127.0.0.1", "localhost");
  const { said, error } = await run(words, { url });
  t.is(error, undefined);
  const shown = JSON.parse(said);
  t.is(shown.url, api.url + shown.path);
});
