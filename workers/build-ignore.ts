import { readIgnoreFile } from "../apps/ignore-file.ts";
import { trimEndOf } from "../buildpacks/text.ts";
import type { IgnoreRules } from "./build-context.ts";

/**
 * Docker's rules of a .dockerignore file, and `always`: patterns that no `!` line brings back.
 * @throws bad-ignore-file
 */
export function createIgnore(text: string, always: string[]): IgnoreRules {
  const { ignores, hasExceptions } = readIgnoreFile(text);
  const fixed = readIgnoreFile(always.join("\n"));
  return {
    ignores: (path) => fixed.ignores(path) || ignores(path),
    // An exception may bring back what lies in an ignored folder.
    skips: (folder) => fixed.ignores(folder) || (!hasExceptions && ignores(folder)),
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
      const bare = trimEndOf(line.replace(/^\/+/, ""), "/");
      return line.startsWith("/") ? bare : `**/${bare}`;
    })
    .filter((pattern) => pattern !== "" && pattern !== "**/");
}
