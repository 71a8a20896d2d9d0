import { parseArgs } from "node:util";
import { TealError } from "../errors.ts";
import type { Command, Input, Option } from "./command.ts";

export interface Parsed {
  command: Command;
  args: string[];
  options: Input["options"];
}

const ALIASES: Record<string, string> = {
  apps: "apps:list",
  "--help": "help",
  "-h": "help",
  "--version": "version",
};

/**
 * Which command, with which arguments and options. `--json` and `--app` may stand before it.
 * @throws TealError wrong-usage
 */
export function parse(argv: string[], commands: Command[], optionsOf: OptionsOf): Parsed {
  const at = commandIndex(argv);
  const word = argv[at] ?? "help";
  const name = ALIASES[word] ?? word;
  const command = commands.find((one) => one.name === name);
  if (!command) throw unknownCommand(word, commands);
  if (!command.run) throw ofLauncher(command);
  const rest = [...argv.slice(0, at), ...argv.slice(at + 1)];
  const options = optionsOf(command);
  const [own, foreign] = command.rest ? splitRest(rest, options) : [rest, []];
  const { values, positionals: given } = readOptions(command, own, options);
  const positionals = [...given, ...foreign];
  if (!values["help"]) checkCount(command, positionals);
  return { command, args: positionals, options: values };
}

type OptionsOf = (command: Command) => Record<string, Option>;

/** The first word that is neither an option nor the value of `--app`. */
function commandIndex(argv: string[]): number {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    if (word === "-a" || word === "--app" || word === "--context") i++;
    else if (!word.startsWith("-") || word in ALIASES) return i;
  }
  return argv.length;
}

/**
 * Own words, and those of the command to be run: what follows `--` or begins with the first word that
 * is no option. `-a APP` behind it is ours, for so it stands in the examples of everybody.
 */
function splitRest(words: string[], options: Record<string, Option>): [string[], string[]] {
  const takesValue = (word: string) =>
    Object.entries(options).some(
      ([name, { type, short }]) =>
        type === "string" && (word === `--${name}` || word === `-${short}`),
    );
  let at = 0;
  while (at < words.length && words[at]?.startsWith("-") && words[at] !== "--") {
    at += takesValue(words[at] ?? "") ? 2 : 1;
  }
  const own = words.slice(0, at);
  if (words[at] === "--") return [own, words.slice(at + 1)];
  const foreign = words.slice(at);
  const named = own.some((word) => /^(-a|--app)(=|$)/.test(word));
  const isApp = !named && foreign.length > 2 && ["-a", "--app"].includes(foreign.at(-2) ?? "");
  return isApp ? [[...own, ...foreign.slice(-2)], foreign.slice(0, -2)] : [own, foreign];
}

function readOptions(command: Command, args: string[], options: Record<string, Option>) {
  try {
    return parseArgs({
      args,
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, short }]) => [
          name,
          { type, ...(short && { short }) },
        ]),
      ),
      allowPositionals: true,
      strict: true,
    });
  } catch (error) {
    // Node's sentence says what is wrong; its advice about `--` helps nobody here.
    const [detail] = (error as Error).message.split(/\. |\.$/);
    throw wrongUsage(detail ?? "the options were not understood", command);
  }
}

function checkCount(command: Command, args: string[]): void {
  const least = command.args.filter((arg) => !arg.startsWith("[")).length;
  const most = /…\]?$/.test(command.args.at(-1) ?? "") ? Infinity : command.args.length;
  if (args.length >= least && args.length <= most) return;
  const expected = command.args.length > 0 ? command.args.join(" ") : "no argument";
  const came = args.length > 0 ? `'${args.join(" ").slice(0, 100)}'` : "none";
  throw wrongUsage(`'teal ${command.name}' takes ${expected}, and ${came} came`, command);
}

/** An error about how a command was called. `detail` has no full stop. */
export function wrongUsage(detail: string, { name }: { name: string }): TealError {
  return new TealError("wrong-usage", { detail, todo: `'teal help ${name}' has an example.` });
}

/** With the nearest command's name, when one is near. */
export function unknownCommand(given: string, commands: Command[]): TealError {
  const near = nearest(
    given,
    commands.map((one) => one.name),
  );
  const todo = near ? `Did you mean 'teal ${near}'?` : "'teal help' lists the commands.";
  return new TealError("wrong-usage", {
    detail: `There is no command '${given.slice(0, 60)}'`,
    todo,
  });
}

function ofLauncher({ name }: Command): TealError {
  const todo = `Run './teal ${name}' in the clone of the platform.`;
  return new TealError("wrong-usage", {
    detail: `'${name}' is a command of the platform's launcher`,
    todo,
  });
}

function nearest(given: string, names: string[]): string | null {
  const ranked = names
    .map((name) => ({ name, distance: distance(given, name) }))
    .toSorted((a, b) => a.distance - b.distance);
  const [best] = ranked;
  return best && best.distance <= Math.max(2, Math.floor(best.name.length / 3)) ? best.name : null;
}

/** Levenshtein. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= Math.min(a.length, 60); i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1);
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
