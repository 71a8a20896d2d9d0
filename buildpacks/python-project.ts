import { PlanError } from "./errors.ts";
import { isObject, parseJsonObject, type JsonObject } from "./json.ts";
import type { CacheMount } from "./plan.ts";
import { HOME } from "./stages.ts";
import { parseToml } from "./toml.ts";
import type { Tree } from "./tree.ts";

/** What a tree's manifests say. */
export interface PythonProject {
  why: string;
  warnings: string[];
  /** Names of the packages that it needs, in lower case. */
  names: string[];
  /** A condition on Python's version. */
  requires: { text: string; from: string } | null;
  setUp: string[];
  /** What the install reads; "." is the whole tree. */
  files: string[];
  install: string;
  caches: CacheMount[];
  env: Record<string, string>;
}

const VENV = `python3 -m venv ${HOME}/.venv`;
const PIP: CacheMount = { name: "pip", target: "/root/.cache/pip" };

/** The first manifest that there is, with its lockfile. @throws PlanError broken-toml */
export async function readDependencies(tree: Tree): Promise<PythonProject | null> {
  const pyproject = await tree.read("pyproject.toml");
  const project = pyproject === null ? null : parseToml("pyproject.toml", pyproject);
  if (project !== null && (await tree.has("uv.lock"))) {
    await checkTomlLock(tree, "uv.lock", project);
    return withUv(project);
  }
  if (project !== null && (await tree.has("poetry.lock"))) {
    await checkTomlLock(tree, "poetry.lock", project);
    return withPoetry(project);
  }
  const requirements = await tree.read("requirements.txt");
  if (requirements !== null) return withRequirements(tree, requirements, project);
  const pipfile = await tree.read("Pipfile");
  if (pipfile !== null) return withPipenv(tree, parseToml("Pipfile", pipfile));
  return project === null ? null : withPyproject(project);
}

/** Every package must stand in the lockfile; of their ranges the tool itself knows. */
async function checkTomlLock(
  tree: Tree,
  file: "uv.lock" | "poetry.lock",
  project: JsonObject,
): Promise<void> {
  const { package: packages } = parseToml(file, (await tree.read(file)) ?? "");
  const locked = (Array.isArray(packages) ? packages : []).filter(isObject);
  const names = locked.map(({ name }) => String(name));
  const command = file === "uv.lock" ? "uv lock" : "poetry lock";
  checkNames(ofPyproject(project).names, names, { file, manifest: "pyproject.toml", command });
}

interface Files {
  file: string;
  manifest: string;
  /** Makes the lockfile anew. */
  command: string;
}

/** @throws PlanError bad-lockfile */
function checkNames(asked: string[], locked: string[], files: Files): void {
  const same = (name: string): string => name.toLowerCase().replaceAll(/[-_.]+/g, "-");
  const there = new Set(locked.map(same));
  const missing = asked.find((name) => name !== "python" && !there.has(same(name)));
  if (missing === undefined) return;
  const detail = `${missing} is in ${files.manifest} and not in ${files.file}`;
  throw new PlanError("bad-lockfile", { ...files, detail });
}

/** A tool of its own environment, so that its packages do not become the app's. */
function tool(name: string): string {
  return `python3 -m venv /opt/${name} && /opt/${name}/bin/pip install ${name}`;
}

function withUv(project: JsonObject): PythonProject {
  return {
    ...ofPyproject(project),
    why: "pyproject.toml with uv.lock",
    setUp: [tool("uv")],
    files: uvNeedsTree(project) ? ["."] : ["pyproject.toml", "uv.lock"],
    install: "/opt/uv/bin/uv sync --locked --no-dev --no-install-project",
    caches: [{ name: "uv", target: "/root/.cache/uv" }],
    env: {
      UV_PROJECT_ENVIRONMENT: `${HOME}/.venv`,
      UV_LINK_MODE: "copy",
      UV_PYTHON_DOWNLOADS: "never",
    },
  };
}

/** Packages in folders of the tree: members of a workspace, or sources with a path. */
function uvNeedsTree(project: JsonObject): boolean {
  const uv = toolOf(project, "uv");
  return uv["workspace"] !== undefined || hasFolder(uv["sources"]);
}

function toolOf({ tool: tools }: JsonObject, name: string): JsonObject {
  const found = isObject(tools) ? tools[name] : null;
  return isObject(found) ? found : {};
}

/** True when one of a table's entries says that it lies in a folder. */
function hasFolder(table: unknown): boolean {
  const entries = Object.values(isObject(table) ? table : {}).flat();
  return entries.some((one) => isObject(one) && ("path" in one || "workspace" in one));
}

function withPoetry(project: JsonObject): PythonProject {
  return {
    ...ofPyproject(project),
    why: "pyproject.toml with poetry.lock",
    setUp: [tool("poetry")],
    files: hasFolder(toolOf(project, "poetry")["dependencies"])
      ? ["."]
      : ["pyproject.toml", "poetry.lock"],
    install: `${VENV} && /opt/poetry/bin/poetry install --only main --no-root --no-interaction`,
    caches: [{ name: "poetry", target: "/root/.cache/pypoetry" }],
    env: { POETRY_VIRTUALENVS_IN_PROJECT: "true" },
  };
}

async function withRequirements(
  tree: Tree,
  text: string,
  project: JsonObject | null,
): Promise<PythonProject> {
  const names = namesIn(text.split(/\r?\n/));
  // Further files, and packages in folders of the tree.
  const reads =
    /^[ \t]*(-r|-c|--requirement|--constraint|-e|--editable|-f|--find-links|\.|file:)/m.test(text);
  const unpinned = text
    .split(/\r?\n/)
    .some((line) => /^[A-Za-z][\w.-]*(\[[^\]]*\])?\s*(#.*)?$/.test(line.trim()));
  return {
    why: "requirements.txt",
    warnings: unpinned
      ? ["requirements.txt names packages without versions: they are chosen anew when it changes."]
      : [],
    names,
    requires: project === null ? null : ofPyproject(project).requires,
    setUp: [],
    files: reads ? ["."] : ["requirements.txt"],
    install: `${VENV} && pip install -r requirements.txt`,
    caches: [PIP],
    env: {},
  };
}

async function withPipenv(tree: Tree, pipfile: JsonObject): Promise<PythonProject> {
  const lock = await tree.read("Pipfile.lock");
  const locked = lock !== null;
  const { packages, requires } = pipfile;
  if (locked && isObject(packages)) {
    const { default: pinned } = parseJsonObject("Pipfile.lock", lock);
    const files = { file: "Pipfile.lock", manifest: "Pipfile", command: "pipenv lock" };
    checkNames(Object.keys(packages), Object.keys(isObject(pinned) ? pinned : {}), files);
  }
  const version = isObject(requires)
    ? (requires["python_version"] ?? requires["python_full_version"])
    : null;
  return {
    why: locked ? "Pipfile with Pipfile.lock" : "Pipfile without a lockfile",
    warnings: locked
      ? []
      : ["There is no Pipfile.lock: versions are chosen anew at every build. Commit one."],
    names: isObject(packages) ? Object.keys(packages).map((name) => name.toLowerCase()) : [],
    requires: typeof version === "string" ? { text: `==${version}`, from: "Pipfile" } : null,
    setUp: [tool("pipenv")],
    files: hasFolder(packages) ? ["."] : ["Pipfile", ...(locked ? ["Pipfile.lock"] : [])],
    install: `${VENV} && /opt/pipenv/bin/pipenv ${locked ? "install --deploy" : "install"}`,
    caches: [{ name: "pipenv", target: "/root/.cache/pipenv" }, PIP],
    env: { PIPENV_VENV_IN_PROJECT: "1", PIPENV_NOSPIN: "1" },
  };
}

function withPyproject(project: JsonObject): PythonProject {
  return {
    ...ofPyproject(project),
    why: "pyproject.toml without a lockfile",
    warnings: ["There is no uv.lock or poetry.lock: versions are chosen anew at every build."],
    setUp: [],
    files: ["."],
    install: `${VENV} && pip install .`,
    caches: [PIP],
    env: {},
  };
}

function ofPyproject(json: JsonObject): Pick<PythonProject, "names" | "requires" | "warnings"> {
  const project = isObject(json["project"]) ? json["project"] : {};
  const poetry = toolOf(json, "poetry");
  const old = isObject(poetry["dependencies"]) ? poetry["dependencies"] : {};
  const listed = Array.isArray(project["dependencies"]) ? project["dependencies"] : [];
  const requires = project["requires-python"] ?? old["python"];
  return {
    warnings: [],
    names: [...namesIn(listed.map(String)), ...Object.keys(old).map((name) => name.toLowerCase())],
    requires: typeof requires === "string" ? { text: requires, from: "pyproject.toml" } : null,
  };
}

function namesIn(lines: string[]): string[] {
  return lines.flatMap((line) => /^\s*([A-Za-z][\w.-]*)/.exec(line)?.[1]?.toLowerCase() ?? []);
}
