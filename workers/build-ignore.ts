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

/**
 * The lines of a .slugignore file as patterns of the other kind: one that begins with a slash is
 * meant from the top, any other in every folder. `!` lines are not part of that format.
 */
export function slugPatterns(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#") && !line.startsWith("!"))
    .map((line) => {
      const bare = line.replace(/^\/+/, "").replace(/\/+$/, "");
      return line.startsWith("/") ? bare : `**/${bare}`;
    })
    .filter((pattern) => pattern !== "" && pattern !== "**/");
}
