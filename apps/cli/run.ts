import { isTealError } from "../errors.ts";
import { createClient, Refusal } from "./client.ts";
import type { Input } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { describe, optionsOf } from "./help.ts";
import { createOutput, type Output } from "./output.ts";
import { parse, wrongUsage, type Parsed } from "./parse.ts";
import { findServer } from "./server.ts";

/**
 * Runs one command and sets the exit code: 0 done, 1 failed, 2 wrong usage, 3 not allowed,
 * 4 not found, 5 conflict.
 */
export async function runCommand(argv: string[]): Promise<void> {
  const out = createOutput(argv.includes("--json"), process.env);
  // `teal releases | head` is no error.
  process.stdout.on("error", () => process.exit(0));
  try {
    await run(parse(argv, COMMANDS, optionsOf), out);
  } catch (error) {
    process.exitCode = report(error, out);
  }
}

async function run(parsed: Parsed, out: Output): Promise<void> {
  if (parsed.options["help"]) return out.line(describe(parsed.command));
  const { context } = parsed.options;
  // Whoever looks for the server looks there; `login` gives the name to what it makes.
  if (typeof context === "string" && parsed.command.name !== "login")
    process.env["TEAL_CONTEXT"] = context;
  const input: Input = {
    args: parsed.args,
    options: parsed.options,
    app: () => findApp(parsed),
    client: async () => createClient(await findServer(process.env)),
    out,
  };
  await parsed.command.run?.(input);
}

async function findApp({ command, options }: Parsed): Promise<string> {
  if (typeof options["app"] === "string") return options["app"];
  const { appOfRemote, readRemote } = await import("../git-remote.ts");
  const remote = await readRemote(process.cwd(), "deploy");
  const app = remote && appOfRemote(remote);
  if (app) return app;
  throw wrongUsage(
    "'--app APP' was expected, and there is no git remote 'deploy' here that names one",
    command,
  );
}

/** Says what was expected and what to do; returns the exit code. */
function report(error: unknown, { json, note, fail }: Output): number {
  if (!isTealError(error) && !(error instanceof Refusal)) {
    note(error instanceof Error ? error.message : String(error));
    return 1;
  }
  const { code, says, todo } = error;
  if (json) note(JSON.stringify({ error: { code, says, todo } }));
  else fail(says, todo);
  return error.exit;
}
