import semver from "semver";
import { PlanError } from "./errors.ts";
import { isObject, parseJsonObject, type JsonObject } from "./json.ts";
import { nodeProcesses } from "./node-start.ts";
import type { Build, CacheMount, Detector, Runtime, SourcePlan, Step } from "./plan.ts";
import type { Tree } from "./tree.ts";

/** The current long-term-support line. */
const DEFAULT_RANGE = "24.x";
const NPM_LOCKFILES = ["package-lock.json", "npm-shrinkwrap.json"];
const OTHER_LOCKFILES = ["yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb"];
/** Scripts that `npm ci` runs, which may need any file of the tree. */
const INSTALL_SCRIPTS = [
  "preinstall",
  "install",
  "postinstall",
  "prepublish",
  "preprepare",
  "prepare",
  "postprepare",
];
/** npm says only what is about the app. */
const NPM_SETTINGS = {
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_update_notifier: "false",
};
const NPM_CACHE: CacheMount = { name: "npm", target: "/root/.npm" };

/** Apps with a package.json, installed by npm. */
export const node: Detector = {
  name: "node",
  looksFor: "a package.json",
  plan: async (tree) => {
    const text = await tree.read("package.json");
    return text === null ? null : planNode(tree, readPackage(text));
  },
};

async function planNode(tree: Tree, pkg: Package): Promise<SourcePlan> {
  const lockfile = await findLockfile(tree);
  const files = await installFiles(tree, pkg, lockfile);
  const warnings: string[] = [];
  if (!lockfile && pkg.hasDependencies) {
    warnings.push(
      "There is no package-lock.json: versions are chosen anew at every build. Commit one.",
    );
  }
  return {
    buildpack: "node",
    why: lockfile ? `package.json with ${lockfile}` : "package.json without a lockfile",
    warnings,
    runtime: runtimeOf(pkg),
    install: npmInstall(files, lockfile, "--omit=dev"),
    build: pkg.scripts["build"] === undefined ? null : npmBuild(files, lockfile),
    processes: await nodeProcesses(tree, pkg),
    tools: NPM_SETTINGS,
    env: { NODE_ENV: "production" },
  };
}

function npmInstall(files: string[], lockfile: string | null, which: string): Step {
  const verb = lockfile ? "ci" : "install";
  return { files, run: `npm ${verb} ${which}`, caches: [NPM_CACHE], gives: "node_modules" };
}

function npmBuild(files: string[], lockfile: string | null): Build {
  return {
    install: npmInstall(files, lockfile, "--include=dev"),
    run: "npm run build",
    prune: "npm prune --omit=dev",
  };
}

async function findLockfile(tree: Tree): Promise<string | null> {
  for (const name of NPM_LOCKFILES) {
    const text = await tree.read(name);
    if (text === null) continue;
    parseJsonObject(name, text);
    return name;
  }
  for (const name of OTHER_LOCKFILES) {
    if (await tree.has(name)) throw new PlanError("no-npm-lockfile", { came: `${name} alone` });
  }
  return null;
}

/** The whole tree where an install reads more of it than its own files. */
async function installFiles(tree: Tree, pkg: Package, lockfile: string | null): Promise<string[]> {
  if (pkg.installsFromTree) return ["."];
  const npmrc = (await tree.read(".npmrc")) === null ? [] : [".npmrc"];
  return ["package.json", ...(lockfile ? [lockfile] : []), ...npmrc];
}

function runtimeOf(pkg: Package): Runtime {
  const range = pkg.nodeRange;
  if (range === null) return { name: "node", range: DEFAULT_RANGE, from: "default" };
  if (semver.validRange(range) === null) throw new PlanError("bad-node-range", { range });
  return { name: "node", range, from: "engines.node" };
}

/** What counts here of a package.json, checked. */
export interface Package {
  scripts: Record<string, string>;
  main: string | null;
  nodeRange: string | null;
  hasDependencies: boolean;
  /** An install needs more than package.json and the lockfile. */
  installsFromTree: boolean;
}

function readPackage(text: string): Package {
  const json = parseJsonObject("package.json", text);
  const scripts = strings(json, "scripts");
  const dependencies = [
    ...Object.values(strings(json, "dependencies")),
    ...Object.values(strings(json, "devDependencies")),
    ...Object.values(strings(json, "optionalDependencies")),
  ];
  const range = strings(json, "engines")["node"]?.trim() ?? "";
  return {
    scripts,
    main: typeof json["main"] === "string" && json["main"] !== "" ? json["main"] : null,
    nodeRange: range === "" ? null : range,
    hasDependencies: dependencies.length > 0,
    installsFromTree:
      json["workspaces"] !== undefined ||
      dependencies.some((version) => /^(file:|link:|\.{0,2}\/)/.test(version)) ||
      INSTALL_SCRIPTS.some((name) => scripts[name] !== undefined),
  };
}

function strings(json: JsonObject, field: string): Record<string, string> {
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
