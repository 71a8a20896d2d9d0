import { wrongUsage } from "./parse.ts";

const NAME = /[ \t]*(?:export[ \t]+)?([^\s=#]+)[ \t]*=/y;
const QUOTED = /[ \t]*(?:'([^']*)'|`([^`]*)`|"((?:\\[^]|[^"\\])*)")[ \t]*(?:#.*)?(?:\n|$)/y;
const NOTHING = /[ \t]*(?:#.*)?(?:\n|$)/y;
const BARE = /(.*)(?:\n|$)/y;
const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t" };

/**
 * Reads the text of a .env file: comments, `export`, quotes, values of several lines, Windows' line
 * ends. As in a shell a # begins a comment at the start of a word alone, and \ says in double quotes
 * that the next character is meant; no variable is filled in.
 * @throws TealError wrong-usage with the number of the line that was not understood
 */
export function readDotenv(text: string): Record<string, string> {
  const file = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const found: [string, string][] = [];
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(file);
    if (match) at = pattern.lastIndex;
    return match;
  };
  while (at < file.length) {
    if (next(NOTHING)) continue;
    const start = at;
    const name = next(NAME)?.[1];
    if (name === undefined) throw bad(file, start, "NAME=VALUE was expected there");
    const quoted = next(QUOTED);
    const bare = quoted ? "" : bareValue(next(BARE)?.[1] ?? "");
    if (/^['"`]/.test(bare)) throw bad(file, start, `the quotes of ${name} were expected to end`);
    found.push([name, quoted ? unquoted(quoted) : bare]);
  }
  return Object.fromEntries(found);
}

const bareValue = (rest: string) => rest.replace(/[ \t]#.*$/, "").trim();

function unquoted([, single, back, double = ""]: RegExpExecArray): string {
  const plain = single ?? back;
  if (plain !== undefined) return plain;
  return double.replaceAll(/\\([nrt"\\$`])/g, (_, letter: string) => ESCAPES[letter] ?? letter);
}

/** A line may hold a value: it is not repeated. */
function bad(file: string, start: number, detail: string) {
  const line = file.slice(0, start).split("\n").length;
  return wrongUsage(`Line ${line} of the file was not understood: ${detail}`, {
    name: "config:import",
  });
}

/** `NAME=VALUE` arguments. @throws TealError wrong-usage */
export function readPairs(args: string[], command: string): Record<string, string> {
  return Object.fromEntries(
    args.map((arg) => {
      const at = arg.indexOf("=");
      if (at > 0) return [arg.slice(0, at), arg.slice(at + 1)];
      // What came may be a value: it is not repeated.
      throw wrongUsage("NAME=VALUE was expected, and an argument without a name and '=' came", {
        name: command,
      });
    }),
  );
}

/** One line of a .env file, or several, such that reading it gives the same value. */
export function writeDotenv(name: string, value: string): string {
  if (/^[\w./:@%+,-]*$/.test(value)) return `${name}=${value}`;
  const quote = ["'", "`"].find((one) => !value.includes(one) && !value.includes("\r"));
  if (quote) return `${name}=${quote}${value}${quote}`;
  return `${name}="${value.replaceAll(/["\\$`]/g, "\\$&").replaceAll("\r", "\\r")}"`;
}
