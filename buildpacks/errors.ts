/** Every reason why a tree cannot be planned: one sentence on what was expected and what came, one on what to do. */
const ERRORS = {
  "empty-tree": {
    says: "A source tree was expected, and the commit has no files.",
    todo: "Commit the app's files.",
  },
  "nothing-detected": {
    says: "{expected} was expected at the top of the tree; {seen} came.",
    todo: "{hint}",
  },
  "points-outside": {
    says: "{file} was expected to be a file of the tree; it is a symbolic link that leads out of it, or nowhere.",
    todo: "Commit the file itself instead of the link.",
  },
  "not-a-file": {
    says: "{file} was expected to be a file of at most {limit} bytes; {came} came.",
    todo: "Replace or remove it.",
  },
  "broken-json": {
    says: "{file} was expected to be JSON; line {line}, column {column} is not: {detail}.",
    todo: "Correct that line.",
  },
  "bad-package-json": {
    says: "package.json: {field} was expected to be {expected}; {came} came.",
    todo: "Correct package.json.",
  },
  "broken-toml": {
    says: "{file} was expected to be TOML; line {line}, column {column} is not: {detail}.",
    todo: "Correct that line.",
  },
  "bad-version": {
    says: "{from} was expected to name a version of {label}, such as '{example}'; '{came}' came.",
    todo: "Correct {from}, or leave it out to get the default.",
  },
  "no-such-version": {
    says: "A version of {label} that can be had was expected in {from}; '{came}' came, and there are {available}.",
    todo: "Correct {from}, or leave it out to get the default.",
  },
  "no-lockfile": {
    says: "{expected} was expected; {came} came.",
    todo: "Run '{command}' and commit what it writes.",
  },
  "bad-lockfile": {
    says: "{file} was expected to agree with {manifest}; {detail}.",
    todo: "Run '{command}' and commit {file}.",
  },
  "not-buildable": {
    says: "{expected} was expected; {came} came.",
    todo: "{todo}",
  },
  "broken-line": {
    says: "{file} line {line}: {expected} was expected; '{came}' came.",
    todo: "Correct that line.",
  },
  "no-start-command": {
    says: "A way to start the app was expected, and none came: no 'web' line in a Procfile, {tried}.",
    todo: "Add a Procfile with a line such as 'web: {example}'.",
  },
  "broken-procfile": {
    says: "Procfile line {line}: {expected} was expected; '{came}' came.",
    todo: "Correct that line.",
  },
  "foreign-syntax": {
    says: "Dockerfile line {line}: the engine's own builder was expected; a foreign one, '{came}', came.",
    todo: "Remove the syntax line; 'docker/dockerfile' is the only one that is understood.",
  },
} as const;

export type PlanErrorCode = keyof typeof ERRORS;

/** A tree that cannot be built as it is. `message` is both sentences. */
export class PlanError extends Error {
  readonly code: PlanErrorCode;
  readonly says: string;
  readonly todo: string;

  constructor(code: PlanErrorCode, params: Record<string, string | number> = {}) {
    const says = fill(ERRORS[code].says, params);
    const todo = fill(ERRORS[code].todo, params);
    super(`${says} ${todo}`);
    this.name = "PlanError";
    this.code = code;
    this.says = says;
    this.todo = todo;
  }
}

function fill(template: string, params: Record<string, string | number>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    printable(String(params[key] ?? "")),
  );
}

/** What came is somebody's text: one line, no control characters, not endless. */
export function printable(text: string): string {
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ");
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
