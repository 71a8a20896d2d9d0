import { readFile } from "node:fs/promises";
import type { Command, Input, Option } from "./command.ts";
import { unknownCommand } from "./parse.ts";

export async function help({ args, out }: Input, commands: Command[]): Promise<void> {
  const [name] = args;
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
    "TEAL_URL and TEAL_TOKEN name another platform than the one on this machine.",
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
    json: { type: "boolean", help: "print JSON" },
    help: { type: "boolean", short: "h", help: "print this" },
  };
}
