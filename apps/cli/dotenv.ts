import { parseEnv } from "node:util";
import { wrongUsage } from "./parse.ts";

/** Reads the text of a .env file: comments, `export`, quotes, values of several lines. */
export function readDotenv(text: string): Record<string, string> {
  const read = parseEnv(text.replace(/^\uFEFF/, ""));
  return Object.fromEntries(Object.entries(read).map(([name, value]) => [name, value ?? ""]));
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

/**
 * One line of a .env file, such that reading it gives the same value; null when no quotes can hold it.
 * Within double quotes readers take `\n` for a line's end, so they are used only without one.
 */
export function writeDotenv(name: string, value: string): string | null {
  if (/^[\w./:@%+,-]*$/.test(value)) return `${name}=${value}`;
  const quote = ["'", "`", '"'].find((one) => !value.includes(one) && !/\r/.test(value));
  if (!quote || (quote === '"' && value.includes("\\n"))) return null;
  return `${name}=${quote}${value}${quote}`;
}
