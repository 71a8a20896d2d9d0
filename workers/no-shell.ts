/** As the engine's init says it of an image that has none. */
const NO_SHELL = /exec \/bin\/sh failed: No such file or directory/;
const NOT_FOUND = 127;

/** True when a command was a line for a shell, and its image has none. @param lines what it put out */
export function lacksShell(code: number | undefined, lines: readonly string[]): boolean {
  return code === NOT_FOUND && lines.some((line) => NO_SHELL.test(line));
}
