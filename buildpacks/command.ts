/** Anything that only a shell understands, or that `exec` would change the meaning of. */
const NEEDS_SHELL =
  /[;&|<>()`\n{}]|^\s*(?:\w+=|exec\b|cd\b|export\b|set\b|ulimit\b|umask\b|\.|source\b|if\b|for\b|while\b|case\b|!)/;

/**
 * Arguments that run a process type's command in its container. A simple command replaces the
 * shell, so that signals reach the app itself.
 */
export function shellArguments(command: string): string[] {
  return ["/bin/sh", "-c", NEEDS_SHELL.test(command) ? command : `exec ${command}`];
}
