import { createGlob } from "../apps/glob.ts";

/** Tells whether a path matches one of the globs; `docs/` and `docs` stand for all that is in it. */
export function createMatcher(globs: string[]): (path: string) => boolean {
  const all = globs.map((glob) =>
    createGlob(glob.replace(/^\.?\//, "").replace(/\/$/, ""), "plain"),
  );
  return (path) => all.some((matches) => matches(path));
}
