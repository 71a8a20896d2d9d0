import { readFile } from "node:fs/promises";
import type { Command, Input, Option } from "./command.ts";
import { unknownCommand } from "./parse.ts";

export async function help({ args, options, out }: Input, commands: Command[]): Promise<void> {
  const [name] = args;
  const man = options["man"] ? (await import("./man.ts")).manPage(commands) : null;
  if (out.json) return out.value(man === null ? tableOf(commands, name) : { man });
  if (man !== null) return out.line(man.trimEnd());
  if (name === undefined) return out.line(overview(commands));
  const command = commands.find((one) => one.name === name);
  if (!command) throw unknownCommand(name, commands);
  out.line(describe(command));
}

export async function version({ out }: Input): Promise<void> {
  const file = new URL("../../package.json", import.meta.url);
  const { version: number } = JSON.parse(await readFile(file, "utf8")) as { version: string };
  if (out.json) out.value({ version: number });
  else out.line(`teal ${number}`);
}

/** The table of commands as data; of one command when one is named. */
function tableOf(commands: Command[], name: string | undefined): object[] {
  const some = name === undefined ? commands : commands.filter((one) => one.name === name);
  if (name !== undefined && some.length === 0) throw unknownCommand(name, commands);
  return some.map((one) => ({
    name: one.name,
    summary: one.summary,
    args: one.args,
    options: optionsOf(one),
    example: one.example,
  }));
}

/** All commands, with those of the platform itself last. */
export function overview(commands: Command[]): string {
  const width = Math.max(...commands.map((one) => heading(one).length));
  const list = (some: Command[]) =>
    some.map((one) => `  ${heading(one).padEnd(width)}  ${one.summary}`);
  return [
    "Usage: teal COMMAND [--app APP] [--json]",
    "",
    ...list(commands.filter((one) => one.run)),
    "",
    "The platform on this machine, from its clone:",
    ...list(commands.filter((one) => !one.run)),
    "",
    "'teal help COMMAND' says more. Without --app, the git remote 'deploy' names the app.",
    "'teal login URL' makes them speak to another platform; so do TEAL_URL and TEAL_TOKEN.",
  ].join("\n");
}

/** One command, with its options and an example. */
export function describe(command: Command): string {
  const rows = Object.entries(optionsOf(command)).map(([name, option]) => {
    const short = option.short ? `-${option.short}, ` : "    ";
    return [`${short}--${name}${option.value ? ` ${option.value}` : ""}`, option.help] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return [
    `Usage: teal ${heading(command)} [options]`,
    "",
    `${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}.`,
    "",
    ...rows.map(([flag, text]) => `  ${flag.padEnd(width)}  ${text}`),
    "",
    `Example: ${command.example}`,
  ].join("\n");
}

function heading({ name, args }: Command): string {
  return [name, ...args].join(" ");
}

/** Its own options and those that every command has. */
export function optionsOf(command: Command): Record<string, Option> {
  const app: Option = { type: "string", short: "a", value: "APP", help: "the app" };
  return {
    ...(command.app && { app }),
    ...command.options,
    context: { type: "string", value: "NAME", help: "the platform, by its name in contexts" },
    json: { type: "boolean", help: "print JSON" },
    help: { type: "boolean", short: "h", help: "print this" },
  };
}
