/** Ways into a payload that may be anything. */

/** The value at a path of own properties; undefined when there is none. */
export function at(value: unknown, ...path: string[]): unknown {
  let here = value;
  for (const name of path) {
    if (here === null || typeof here !== "object" || !Object.hasOwn(here, name)) return undefined;
    here = (here as Record<string, unknown>)[name];
  }
  return here;
}

/** The text at a path; empty when there is none. */
export function textAt(value: unknown, ...path: string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

/** The list at a path; empty when there is none. */
export function listAt(value: unknown, ...path: string[]): unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The full commit id at a path. All zeroes stand for "none". */
export function commitIn(value: unknown, ...path: string[]): string | undefined {
  const id = textAt(value, ...path).toLowerCase();
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(id) && !/^0+$/.test(id) ? id : undefined;
}

/** The files that a push's commits name; undefined when the list may be incomplete. */
export function filesOf(commits: unknown[], complete: boolean): string[] | undefined {
  const named = commits.every((commit) => Array.isArray(at(commit, "modified")));
  if (!complete || !named || commits.length === 0) return undefined;
  const files = commits.flatMap((commit) =>
    ["added", "modified", "removed"].flatMap((kind) => listAt(commit, kind)),
  );
  return files.filter((file) => typeof file === "string");
}
