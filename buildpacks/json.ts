import { PlanError } from "./errors.ts";

export type JsonObject = Record<string, unknown>;

/** Parses a JSON file that must hold an object. @throws PlanError broken-json with line and column */
export function parseJsonObject(file: string, text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new PlanError("broken-json", { file, ...place(text, error as Error) });
  }
  if (isObject(value)) return value;
  throw new PlanError("broken-json", {
    file,
    line: 1,
    column: 1,
    detail: "an object was expected there",
  });
}

/**
 * A string; or a comment, or a comma before a closing bracket. A string or a comment that does not
 * end goes to where it has to, so that nobody looks for its end again from each place within it.
 */
const PIECES =
  /("(?:[^"\\\n]|\\[^])*(?:"|(?=\n)|\\?$))|\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)|,(?=\s*[}\]])/g;

/** JSON with comments and commas before closing brackets; what is not, is reported as JSON. @throws PlanError broken-json */
export function parseJsonc(file: string, text: string): JsonObject {
  const plain = text.replaceAll(
    PIECES,
    (match, string: string | undefined) => string ?? match.replaceAll(/[^\n]/g, " "),
  );
  return parseJsonObject(file, plain);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function place(text: string, error: Error): { line: number; column: number; detail: string } {
  const at = positionIn(error.message) ?? firstBadCharacter(text);
  const before = text.slice(0, at).split("\n");
  const detail = error.message
    .replace(/ (in|after) JSON at position.*$/s, "")
    .replace(/, ".*$/s, "");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1, detail };
}

function positionIn(message: string): number | null {
  const found = /at position (\d+)/.exec(message);
  return found ? Number(found[1]) : null;
}

/** Some of the parser's messages name no position: the shortest beginning that no ending could save has it. */
function firstBadCharacter(text: string): number {
  let good = 0;
  let bad = text.length + 1;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (couldGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return Math.min(good, text.length);
}

function couldGoOn(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return true;
  } catch (error) {
    const { message } = error as Error;
    return (
      /Unexpected end of JSON|Unterminated string/.test(message) ||
      positionIn(message) === beginning.length
    );
  }
}
