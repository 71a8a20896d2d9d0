import type { Command } from "../../apps/cli/command.ts";
import { COMMANDS } from "../../apps/cli/commands.ts";
import { optionsOf } from "../../apps/cli/help.ts";
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

/** The command line against a platform, with a record of which commands have ended well. */
export function recordCommands(platform: Parameters<typeof createTeal>[0]) {
  const { teal } = createTeal(platform);
  const done = new Set<string>();

  async function run(words: string[], { input, env }: Saying): Promise<string> {
    const { code, out, err } = await teal(words, input, env);
    if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}: ${out}${err}`);
    return out;
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
