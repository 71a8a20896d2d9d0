import { PlanError } from "./errors.ts";
import { isObject, parseJsonObject, type JsonObject } from "./json.ts";

/** Scripts that an install runs, which may need any file of the tree. */
const INSTALL_SCRIPTS = [
  "preinstall",
  "install",
  "postinstall",
  "prepublish",
  "preprepare",
  "prepare",
  "postprepare",
];

/** What counts here of a package.json, checked. */
export interface Package {
  scripts: Record<string, string>;
  main: string | null;
  nodeRange: string | null;
  /** `NAME@VERSION` of the tool that installs, without its hash. */
  packageManager: string | null;
  /** Of all kinds, name to range. */
  dependencies: Record<string, string>;
  hasWorkspaces: boolean;
  /** An install needs more than package.json and the lockfile. */
  installsFromTree: boolean;
}

/** @throws PlanError broken-json, bad-package-json */
export function readPackage(text: string): Package {
  const json = parseJsonObject("package.json", text);
  const scripts = strings(json, "scripts");
  const dependencies = {
    ...strings(json, "dependencies"),
    ...strings(json, "devDependencies"),
    ...strings(json, "optionalDependencies"),
  };
  const manager = json["packageManager"];
  const hasWorkspaces = json["workspaces"] !== undefined;
  return {
    scripts,
    main: typeof json["main"] === "string" && json["main"] !== "" ? json["main"] : null,
    nodeRange: strings(json, "engines")["node"]?.trim() || null,
    packageManager: typeof manager === "string" ? (manager.split("+")[0] ?? null) : null,
    dependencies,
    hasWorkspaces,
    installsFromTree:
      hasWorkspaces ||
      Object.values(dependencies).some((version) =>
        /^(file:|link:|workspace:|portal:|\.{0,2}\/)/.test(version),
      ) ||
      INSTALL_SCRIPTS.some((name) => scripts[name] !== undefined),
  };
}

/** An npm lockfile's own copy of the manifest; null in old ones. @throws PlanError broken-json */
export function npmRoot(file: string, text: string): JsonObject | null {
  const packages = parseJsonObject(file, text)["packages"];
  const root = isObject(packages) ? packages[""] : undefined;
  return isObject(root) ? root : null;
}

export function stringsAlone(value: unknown): Record<string, string> {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

/** @throws PlanError bad-package-json */
export function strings(json: JsonObject, field: string): Record<string, string> {
  const value = json[field];
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw wrongField(field, "an object", value);
  for (const [name, entry] of Object.entries(value)) {
    if (typeof entry !== "string") throw wrongField(`${field}.${name}`, "a string", entry);
  }
  return value as Record<string, string>;
}

function wrongField(field: string, expected: string, came: unknown): PlanError {
  return new PlanError("bad-package-json", { field, expected, came: JSON.stringify(came) });
}
