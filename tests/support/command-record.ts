import { createClient } from "../../apps/cli/client.ts";
import type { Command } from "../../apps/cli/command.ts";
import { COMMANDS } from "../../apps/cli/commands.ts";
import { optionsOf } from "../../apps/cli/help.ts";
import { createOutput } from "../../apps/cli/output.ts";
import { parse } from "../../apps/cli/parse.ts";
import { createTeal } from "./teal-cli.ts";

interface Saying {
  input?: string;
  env?: Record<string, string>;
}

/** A command as one text or, where an argument has spaces, as its words. */
type Line = string | string[];

/** Their output is that of the command that they run. */
const NOT_JSON: readonly string[] = ["run", "enter"];

/** They hand their terminal on, or open a browser: a process of their own is what they are about. */
const NEEDS_PROCESS: readonly string[] = ["run", "enter", "open", "deploy", "build"];

/**
 * The command line against a platform, with a record of which commands have ended well. What is
 * about an app and reads no standard input is run in this process, by the same table: starting
 * one for each takes longer than what it does.
 */
export function recordCommands(platform: Parameters<typeof createTeal>[0]) {
  const { teal } = createTeal(platform);
  const done = new Set<string>();

  async function run(words: string[], { input, env }: Saying): Promise<string> {
    const { command } = parse(words, COMMANDS, optionsOf);
    const asProcess = input || env || !command.app || NEEDS_PROCESS.includes(command.name);
    const { code, out, err } = await (asProcess ? teal(words, input, env) : runHere(words));
    if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${out}${err}`);
    return out;
  }

  async function runHere(words: string[]) {
    let [out, err] = ["", ""];
    const stdout = { write: (text: string) => void (out += text) };
    const stderr = { write: (text: string) => void (err += text) };
    const output = createOutput(words.includes("--json"), {}, stdout, stderr);
    const { command, args, options } = parse(words, COMMANDS, optionsOf);
    const url = new URL(platform.apiUrl);
    const client = async () => createClient({ url, token: platform.adminToken() });
    const app = async () => String(options["app"]);
    process.exitCode = 0;
    await command.run?.({ args, options, app, client, out: output });
    const code = process.exitCode;
    process.exitCode = 0;
    return { code, out, err };
  }

  return {
    teal,
    /**
     * Says a command with `--json`, and keeps on record that it did well.
     * @returns what it printed, which has to be JSON: one value, or the values of its lines
     * @throws Error with what it said when it ended otherwise
     */
    async say(line: Line, saying: Saying = {}): Promise<any> {
      const words = wordsOf(line);
      const { name } = parse(words, COMMANDS, optionsOf).command;
      const isOther = NOT_JSON.includes(name);
      const out = await run(isOther ? words : ["--json", ...words], saying);
      const value: unknown = isOther ? out : valueOf(out);
      done.add(name);
      return value;
    },
    /** What a command prints for people. @throws Error with what it said when it did not end well */
    words: (line: Line, saying: Saying = {}): Promise<string> => run(wordsOf(line), saying),
    /** Commands of the table that nobody has said well. The launcher's own are not run here. */
    missing: (which: (command: Command) => boolean): string[] =>
      COMMANDS.filter((one) => one.run && which(one) && !done.has(one.name)).map((one) => one.name),
  };
}

const wordsOf = (line: Line) => (typeof line === "string" ? line.split(" ") : line);

function valueOf(out: string): unknown {
  try {
    return JSON.parse(out);
  } catch {
    const lines = out.split("\n").filter((one) => one !== "");
    return lines.map((one): unknown => JSON.parse(one));
  }
}
