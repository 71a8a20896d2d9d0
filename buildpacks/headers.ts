import { PlanError } from "./errors.ts";

export interface HeaderRule {
  /** `*` stands for anything. */
  path: string;
  name: string;
  value: string;
}

const PATH = /^\/[\w./*~%@+-]*$/;
const HEADER = /^([A-Za-z][A-Za-z0-9-]*)\s*:\s*(\S.*)$/;
/** They would end a quoted word of the server's configuration, or begin a variable. */
const UNSAFE = /["$\\\u0000-\u001f\u007f]/;

/**
 * A site's `_headers`: a path, and below it indented lines `Name: value`.
 * @throws PlanError broken-line
 */
export function parseHeaders(text: string): HeaderRule[] {
  const rules: HeaderRule[] = [];
  let path: string | null = null;
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const wrong = (expected: string): PlanError =>
      new PlanError("broken-line", { file: "_headers", line: index + 1, expected, came: line });
    if (!/^\s/.test(raw)) {
      if (!PATH.test(line)) throw wrong("a path such as '/assets/*'");
      path = line;
      continue;
    }
    const [, name = "", value = ""] = HEADER.exec(line) ?? [];
    if (path === null) throw wrong("a path before the first header");
    if (name === "") throw wrong("'Name: value'");
    if (UNSAFE.test(value)) throw wrong("a value without quotation marks, $ and backslashes");
    rules.push({ path, name, value });
  }
  return rules;
}
