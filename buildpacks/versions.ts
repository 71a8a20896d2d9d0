import semver from "semver";
import { PlanError } from "./errors.ts";
import type { Runtime } from "./plan.ts";
import { versionRange } from "./ranges.ts";
import { type PackagedName, RUNTIMES } from "./runtimes.ts";
import { parseToml } from "./toml.ts";
import { isObject } from "./json.ts";
import type { Tree } from "./tree.ts";

/** A version that someone asked for. */
export interface Wish {
  /** As it stands there. */
  text: string;
  /** A semver range; null when it is none. */
  range: string | null;
  /** Where it stands. */
  from: string;
}

/** Files with one version each, by what stands in them; null for a file that says nothing here. */
export interface VersionFiles {
  /** Files that hold a version alone, e.g. ".nvmrc". */
  files: string[];
  /** The language's names in .tool-versions and mise.toml. */
  tools: string[];
}

/**
 * What the version files of a tree ask for: files of the language's own, then .tool-versions, then
 * mise.toml. Null when none does.
 */
export async function wishFromFiles(tree: Tree, where: VersionFiles): Promise<Wish | null> {
  for (const file of where.files) {
    const text = firstLine(await tree.read(file));
    if (text !== null) return { text, range: versionRange(text), from: file };
  }
  return (await fromToolVersions(tree, where.tools)) ?? (await fromMise(tree, where.tools));
}

function firstLine(text: string | null): string | null {
  const lines = (text ?? "").split(/\r?\n/).map((line) => line.replace(/#.*/, "").trim());
  return lines.find((line) => line !== "") ?? null;
}

async function fromToolVersions(tree: Tree, tools: string[]): Promise<Wish | null> {
  for (const line of ((await tree.read(".tool-versions")) ?? "").split(/\r?\n/)) {
    const [tool = "", version] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (version !== undefined && tools.includes(tool))
      return { text: version, range: versionRange(version), from: ".tool-versions" };
  }
  return null;
}

async function fromMise(tree: Tree, tools: string[]): Promise<Wish | null> {
  for (const file of ["mise.toml", ".mise.toml"]) {
    const text = await tree.read(file);
    const table = text === null ? {} : parseToml(file, text)["tools"];
    if (!isObject(table)) continue;
    for (const tool of tools) {
      const version = miseVersion(table[tool]);
      if (version !== null) return { text: version, range: versionRange(version), from: file };
    }
  }
  return null;
}

function miseVersion(value: unknown): string | null {
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return miseVersion(value[0]);
  return isObject(value) ? miseVersion(value["version"]) : null;
}

/** The first wish that there is, as a runtime. @throws PlanError bad-version, no-such-version */
export function runtimeOf(name: PackagedName, ...wishes: (Wish | null)[]): Runtime {
  const wish = wishes.find((one) => one !== null);
  if (!wish) return { name, range: "*", from: "default" };
  const { range, from, text } = wish;
  const { label, lines } = RUNTIMES[name];
  if (range === null)
    throw new PlanError("bad-version", {
      label,
      from,
      came: text,
      example: lines[1] ?? lines[0] ?? "",
    });
  if (!mayExist(range, lines)) {
    throw new PlanError("no-such-version", {
      label,
      from,
      came: text,
      available: lines.slice(0, 8).join(", "),
    });
  }
  return { name, range, from };
}

/** Lines that are newer than those known here may exist too. */
function mayExist(range: string, lines: string[]): boolean {
  return (
    lines.some((line) => semver.intersects(range, anyOf(line))) ||
    semver.gtr(semver.minVersion(range) ?? "0.0.0", anyOf(lines[0] ?? "0"))
  );
}

/** A version line or a version as a semver range: "3.12" is any 3.12. */
export function anyOf(line: string): string {
  return line.split(".").length > 2 ? line : `${line}.x`;
}
