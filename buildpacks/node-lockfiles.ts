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
  const asked = Object.fromEntries(FIELDS.map((field) => [field, strings(json, field)]));
  const detail =
    tool === "yarn"
      ? missingIn(file, text, json, whole(asked))
      : differenceIn(file, asked, lockedBy(tool, file, text));
  if (detail !== null)
    throw new PlanError("bad-lockfile", {
      ...{ file, manifest: "package.json", detail, command: COMMANDS[tool] },
    });
}

/** Name to range. */
type Ranges = Record<string, string>;
/** By kind of dependency; old pnpm keeps all of them as `specifiers`. */
type Kinds = Record<string, Ranges>;

function whole(kinds: Kinds): Ranges {
  return Object.assign({}, ...Object.values(kinds)) as Ranges;
}

/** The ranges that a lockfile remembers of package.json; null when it does not say. */
function lockedBy(tool: "npm" | "pnpm" | "bun", file: string, text: string): Kinds | null {
  if (tool === "pnpm") return pnpmRanges(text);
  const root = tool === "npm" ? npmRoot(file, text) : bunRoot(file, text);
  return root && Object.fromEntries(FIELDS.map((field) => [field, stringsAlone(root[field])]));
}

function differenceIn(file: string, asked: Kinds, locked: Kinds | null): string | null {
  if (locked === null) return null;
  const { specifiers } = locked;
  if (specifiers) return differenceOf("", file, whole(asked), specifiers);
  for (const field of FIELDS) {
    const found = differenceOf(` (${field})`, file, asked[field] ?? {}, locked[field] ?? {});
    if (found !== null) return found;
  }
  return null;
}

function differenceOf(kind: string, file: string, asked: Ranges, locked: Ranges): string | null {
  const names = new Set([...Object.keys(asked), ...Object.keys(locked)]);
  const name = [...names].find((one) => asked[one] !== locked[one]);
  return name === undefined
    ? null
    : `${name}${kind} is ${asked[name] ?? "absent"} in package.json and ${locked[name] ?? "absent"} in ${file}`;
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
function pnpmRanges(text: string): Kinds | null {
  const lines = text.split(/\r?\n/);
  if (lines.some((line) => line.startsWith("overrides:"))) return null;
  const importers = below(lines, "importers:");
  const root = importers ? below(importers, ".:") : lines;
  if (root === null) return null;
  const old = below(root, "specifiers:");
  if (old) return { specifiers: Object.fromEntries(old.flatMap(pairOf)) };
  const found = FIELDS.flatMap((field): [string, Ranges][] => {
    const section = below(root, `${field}:`);
    return section ? [[field, specifiersOf(section)]] : [];
  });
  return found.length > 0 ? Object.fromEntries(found) : null;
}

/** `NAME:` lines, with a line `specifier: RANGE` below each. */
function specifiersOf(section: string[]): Ranges {
  const headings = section.filter((line) => /^\S.*:$/.test(line));
  return Object.fromEntries(
    headings.map((line) => {
      const pairs = (below(section, line) ?? []).flatMap(pairOf);
      const range = pairs.find(([key]) => key === "specifier")?.[1] ?? "";
      return [unquoted(line.slice(0, -1)), range];
    }),
  );
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
