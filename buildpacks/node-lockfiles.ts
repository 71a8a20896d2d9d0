import { PlanError } from "./errors.ts";
import { isObject, parseJsonc, parseJsonObject, type JsonObject } from "./json.ts";
import type { Manager } from "./node-managers.ts";
import { npmRoot, strings, stringsAlone } from "./node-package.ts";
import type { Tree } from "./tree.ts";

/** Kinds of dependencies that an install takes in. */
const FIELDS = ["dependencies", "devDependencies", "optionalDependencies"];

const COMMANDS: Record<Manager["name"], string> = {
  npm: "npm install --package-lock-only",
  yarn: "yarn install",
  pnpm: "pnpm install --lockfile-only",
  bun: "bun install --lockfile-only",
};

/**
 * Every range of package.json must stand in the lockfile as it stands there. What only the tool itself
 * can read (bun's binary lockfile, overrides, workspaces of yarn) is left to it.
 * @throws PlanError broken-json, bad-lockfile
 */
export async function checkLockfile(tree: Tree, manager: Manager, manifest: string): Promise<void> {
  const { name: tool, lockfile: file } = manager;
  if (file === null || file === "bun.lockb") return;
  const json = parseJsonObject("package.json", manifest);
  const text = (await tree.read(file)) ?? "";
  const asked = Object.assign({}, ...FIELDS.map((field) => strings(json, field)));
  const detail =
    tool === "yarn"
      ? missingIn(file, text, json, asked)
      : differenceIn(file, asked, lockedBy(tool, file, text));
  if (detail !== null)
    throw new PlanError("bad-lockfile", {
      ...{ file, manifest: "package.json", detail, command: COMMANDS[tool] },
    });
}

type Ranges = Record<string, string>;

/** The ranges that a lockfile remembers of package.json; null when it does not say. */
function lockedBy(tool: "npm" | "pnpm" | "bun", file: string, text: string): Ranges | null {
  if (tool === "pnpm") return pnpmRanges(text);
  const root = tool === "npm" ? npmRoot(file, text) : bunRoot(file, text);
  return root && Object.assign({}, ...FIELDS.map((field) => stringsAlone(root[field])));
}

function differenceIn(file: string, asked: Ranges, locked: Ranges | null): string | null {
  if (locked === null) return null;
  const names = new Set([...Object.keys(asked), ...Object.keys(locked)]);
  const name = [...names].find((one) => asked[one] !== locked[one]);
  return name === undefined
    ? null
    : `${name} is ${asked[name] ?? "absent"} in package.json and ${locked[name] ?? "absent"} in ${file}`;
}

function bunRoot(file: string, text: string): JsonObject | null {
  const workspaces = parseJsonc(file, text)["workspaces"];
  const root = isObject(workspaces) ? workspaces[""] : null;
  return isObject(root) ? root : null;
}

/** yarn keeps ranges in the names of its entries: `ms@^2.1.0, ms@^2.0.0:`, since 2 `ms@npm:^2.1.0`. */
function missingIn(file: string, text: string, json: JsonObject, asked: Ranges): string | null {
  if (json["workspaces"] !== undefined || json["resolutions"] !== undefined) return null;
  const entries = text
    .split(/\r?\n/)
    .filter((line) => /^["\w@].*:$/.test(line))
    .flatMap((line) => line.slice(0, -1).replaceAll('"', "").split(", "));
  const there = new Set(entries);
  const isMissing = ([name, range]: [string, string]): boolean =>
    isPlain(range) && !there.has(`${name}@${range}`) && !there.has(`${name}@npm:${range}`);
  const missing = Object.entries(asked).find(isMissing);
  return missing ? `${missing.join(" ")} is in package.json and not in ${file}` : null;
}

/** A version, a range or a tag, and not an address or a path. */
function isPlain(range: string): boolean {
  return range.startsWith("npm:") || !/[:/]/.test(range);
}

/** From the part about the top of the tree, as the versions of pnpm have written it. */
function pnpmRanges(text: string): Ranges | null {
  const lines = text.split(/\r?\n/);
  if (lines.some((line) => line.startsWith("overrides:"))) return null;
  const importers = below(lines, "importers:");
  const root = importers ? below(importers, ".:") : lines;
  if (root === null) return null;
  const old = below(root, "specifiers:");
  if (old) return Object.fromEntries(old.flatMap(pairOf));
  const sections = FIELDS.map((field) => below(root, `${field}:`)).filter((one) => one !== null);
  if (sections.length === 0) return null;
  const names = sections.flatMap((section) => {
    const headings = section.filter((line) => /^\S.*:$/.test(line));
    return headings.map((line): [string, string] => {
      const [, range] = (below(section, line) ?? [])
        .flatMap(pairOf)
        .find(([key]) => key === "specifier") ?? ["", ""];
      return [unquoted(line.slice(0, -1)), range];
    });
  });
  return Object.fromEntries(names);
}

/** Lines below a heading of indented text, moved to the left; null when there is no such heading. */
function below(lines: string[], heading: string): string[] | null {
  const at = lines.indexOf(heading);
  if (at < 0) return null;
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => /^\S/.test(line));
  return rest.slice(0, end < 0 ? rest.length : end).map((line) => line.slice(2));
}

function pairOf(line: string): [string, string][] {
  const [, name, value] = /^(\S.*?): (.+)$/.exec(line) ?? [];
  return name === undefined || value === undefined ? [] : [[unquoted(name), unquoted(value)]];
}

function unquoted(text: string): string {
  const [, single, double] = /^(?:'(.*)'|"(.*)")$/.exec(text) ?? [];
  return single?.replaceAll("''", "'") ?? double ?? text;
}
