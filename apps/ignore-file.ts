import { posix } from "node:path";
import { TealError } from "./errors.ts";
import { createGlob, type Glob } from "./glob.ts";

/** The rules of a .dockerignore file. */
export interface IgnoreFile {
  /** True for what stays out: a path with slashes, and without one at its beginning. */
  ignores(path: string): boolean;
  /** A rule brings something back: what lies in an ignored folder may be wanted. */
  hasExceptions: boolean;
}

interface Rule {
  matches: Glob;
  brings: boolean;
}

/** Characters of all rules together. Each path is matched with each rule. */
const MOST_CHARS = 64 * 1024;

/**
 * Reads the lines of a .dockerignore file as Docker does (https://docs.docker.com/reference/dockerfile/#dockerignore-file):
 * the last rule that matches a path, or a folder above it, decides. @throws bad-ignore-file
 */
export function readIgnoreFile(text: string): IgnoreFile {
  if (text.length > MOST_CHARS)
    throw bad(`at most ${MOST_CHARS} characters were expected, and ${text.length} came`);
  const rules = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .flatMap((line) => ruleOf(line) ?? []);
  return {
    ignores: (path) => rules.findLast(({ matches }) => matches(path))?.brings === false,
    hasExceptions: rules.some(({ brings }) => brings),
  };
}

/** Null for a line that says nothing. */
function ruleOf(line: string): Rule | null {
  const trimmed = line.trim();
  if (line.startsWith("#") || trimmed === "") return null;
  const brings = trimmed.startsWith("!");
  const given = brings ? trimmed.slice(1).trim() : trimmed;
  if (given === "") throw bad(`'${trimmed}' names nothing`);
  const pattern = posix
    .normalize(given)
    .replace(/(?<=.)\/$/, "")
    .replace(/^\/(?=.)/, "");
  try {
    return { matches: createGlob(pattern, "docker"), brings };
  } catch (error) {
    throw bad(`in '${trimmed.slice(0, 100)}' ${(error as Error).message}`);
  }
}

function bad(detail: string): TealError {
  return new TealError("bad-ignore-file", { detail });
}
