/** Whether a path matches one of the globs: `*` within a folder, `**` across folders, `?` one letter. */
export function matchesAny(path: string, globs: string[]): boolean {
  return globs.some((glob) => toRegExp(glob).test(path));
}

/** `docs/` and `docs` stand for all that is in it. No nested quantifiers, so no slow match. */
function toRegExp(glob: string): RegExp {
  const trimmed = glob.replace(/^\.?\//, "").replace(/\/$/, "");
  const source = trimmed
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => PIECES[part] ?? part.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&"))
    .join("");
  return new RegExp(`^${source}(?:/.*)?$`, "s");
}

const PIECES: Record<string, string> = {
  "**/": "(?:.*/)?",
  "**": ".*",
  "*": "[^/]*",
  "?": "[^/]",
};
