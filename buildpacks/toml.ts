import { parse, TomlError } from "smol-toml";
import { PlanError } from "./errors.ts";
import type { JsonObject } from "./json.ts";

/** Parses a TOML file. @throws PlanError broken-toml with line and column */
export function parseToml(file: string, text: string): JsonObject {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const detail = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "";
    throw new PlanError("broken-toml", { file, line: error.line, column: error.column, detail });
  }
}
