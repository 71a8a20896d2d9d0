import { shellArguments } from "../buildpacks/command.ts";
import type { Release } from "../apps/types.ts";

/** A shell where the image has one that people like better, and the plain one else. */
const SHELL = "if command -v bash >/dev/null 2>&1; then exec bash; else exec sh; fi";

/**
 * What runs in a container of its own: a process type's command by its name, one word as the shell
 * there reads it, several as they are.
 */
export function runCommand(
  words: string[],
  { processes }: Pick<Release, "processes">,
): string | string[] {
  const [first = "", ...more] = words;
  if (more.length > 0) return words;
  return Object.hasOwn(processes, first) ? (processes[first] ?? "") : first;
}

/** What runs in a container that is there; a shell when nothing is said. */
export function insideCommand(words: string[]): string[] {
  const [first = SHELL, ...more] = words;
  return more.length > 0 ? words : shellArguments(first);
}
