import dockerignore from "@balena/dockerignore";
import type { IgnoreRules } from "./build-context.ts";

/**
 * Docker's rules of a .dockerignore file, and `always`: patterns that no `!` line brings back.
 */
export function createIgnore(text: string, always: string[]): IgnoreRules {
  const rules = dockerignore.default().add(text.split(/\r?\n/));
  const fixed = dockerignore.default().add(always);
  const ignores = (path: string): boolean => fixed.ignores(path) || rules.ignores(path);
  const hasExceptions = /^\s*!/m.test(text);
  return {
    ignores,
    // An exception may bring back what lies in an ignored folder.
    skips: (folder) => fixed.ignores(folder) || (!hasExceptions && rules.ignores(folder)),
  };
}
