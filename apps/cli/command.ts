import type { Client } from "./client.ts";
import type { Output } from "./output.ts";

export interface Option {
  type: "string" | "boolean";
  short?: string;
  /** The word that stands for the value in help. */
  value?: string;
  help: string;
}

/** What a command is run with. */
export interface Input {
  args: string[];
  options: Record<string, string | boolean | undefined>;
  /** `--app`, else the app that the git remote `deploy` pushes to. @throws TealError wrong-usage */
  app(): Promise<string>;
  client(): Promise<Client>;
  out: Output;
}

export interface Command {
  name: string;
  summary: string;
  /** Arguments as help shows them: `NAME`, `[vN]`, `NAME…`. Those in brackets may be left out, one that ends with … may be given again. */
  args: string[];
  options?: Record<string, Option>;
  /** Takes `--app`. */
  app?: boolean;
  /** From its first argument on all words are the command's that it runs; but for `-a APP` at their end. */
  rest?: boolean;
  example: string;
  /** Loads what it needs when it runs. Commands without one belong to the `teal` launcher. */
  run?: (input: Input) => Promise<void>;
}
