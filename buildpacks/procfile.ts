import { PlanError } from "./errors.ts";
import type { Tree } from "./tree.ts";

const LINE = /^([A-Za-z0-9][A-Za-z0-9_-]{0,62})\s*:(.*)$/;

/**
 * Process type to command, of a Procfile's text. Blank lines and lines that begin with `#` count
 * for nothing; commands are kept as they stand, for the shell in the container.
 * @throws PlanError broken-procfile
 */
export function parseProcfile(text: string): Record<string, string> {
  const processes: Record<string, string> = {};
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const [, name = "", given = ""] = LINE.exec(line) ?? [];
    const command = given.trim();
    const expected = wrongLine(name, command, processes);
    if (expected) throw new PlanError("broken-procfile", { line: index + 1, expected, came: line });
    processes[name] = command;
  }
  return processes;
}

function wrongLine(name: string, command: string, known: Record<string, string>): string | null {
  if (name === "") return "'process: command'";
  if (command === "") return `a command for '${name}'`;
  if (Object.hasOwn(known, name)) return `each process type once ('${name}' is there already)`;
  return null;
}

/** The tree's Procfile; null when it has none. @throws PlanError */
export async function readProcfile(tree: Tree): Promise<Record<string, string> | null> {
  const text = await tree.read("Procfile");
  return text === null ? null : parseProcfile(text);
}

/**
 * The Procfile's process types, with `web` where it names none. `otherwise` says where else a
 * start command was looked for, and what one might be.
 * @throws PlanError no-start-command, broken-procfile
 */
export async function processesOf(
  tree: Tree,
  web: string | null,
  otherwise: { tried: string; example: string },
): Promise<Record<string, string>> {
  const named = (await readProcfile(tree)) ?? {};
  if (named["web"] !== undefined) return named;
  if (web === null) throw new PlanError("no-start-command", otherwise);
  return { web, ...named };
}
