import { readDependencies, type PythonProject } from "./python-project.ts";
import { pythonWeb } from "./python-start.ts";
import { hasSourcesAlone } from "./manifests.ts";
import type { Detector, Runtime, SourcePlan, Step } from "./plan.ts";
import { processesOf } from "./procfile.ts";
import { copy, copyTree, HOME, run, stage, takeTree } from "./stages.ts";
import { conditionRange } from "./ranges.ts";
import { sameVersion } from "./runtimes.ts";
import type { Tree } from "./tree.ts";
import { runtimeOf, wishFromFiles } from "./versions.ts";

const VENV = `${HOME}/.venv`;
const PIP_CACHE = { name: "pip", target: "/root/.cache/pip" };
const ENV = { PYTHONUNBUFFERED: "1", PIP_DISABLE_PIP_VERSION_CHECK: "1" };
/** Modules are compiled the same at any time: with it they name their source by content (PEP 552). The first second of 1980, which archives can say. */
const REPRODUCIBLE = { SOURCE_DATE_EPOCH: "315532800", PYTHONHASHSEED: "0" };
/** Files that are an app where there is no manifest. */
const MAIN_FILES = ["main.py", "app.py", "server.py", "manage.py"];

/** Apps in Python, installed by pip, uv, poetry or pipenv into a virtual environment. */
export const python: Detector = {
  name: "python",
  looksFor: "a requirements.txt, a pyproject.toml or a Pipfile",
  plan: async (tree) => {
    const project = await readDependencies(tree);
    if (project) return planPython(tree, project);
    if (!(await hasSourcesAlone(tree))) return null;
    const names = await tree.names();
    return MAIN_FILES.some((file) => names.includes(file)) ? planPython(tree, null) : null;
  },
};

async function planPython(tree: Tree, project: PythonProject | null): Promise<SourcePlan> {
  const runtime = await pythonRuntime(tree, project);
  const warnings = [...(project?.warnings ?? [])];
  const { web, build, warning } = await pythonWeb(tree, project?.names ?? []);
  if (warning !== null) warnings.push(warning);
  const processes = await processesOf(tree, web, {
    tried: "no Django, Flask or FastAPI app, and none of main.py, app.py and server.py",
    example: "gunicorn app:app --bind 0.0.0.0:$PORT",
  });
  const environment = { ...ENV, VIRTUAL_ENV: VENV };
  const path = project ? [`${VENV}/bin`] : [];
  const app = (steps: Step[]) =>
    stage("app", runtime, steps, { env: project ? environment : ENV, path });
  const base = {
    buildpack: "python",
    why: project?.why ?? "Python files without a manifest",
    warnings,
    runtime,
    files: {},
    leavesOut: ["**/__pycache__", ".venv", "venv"],
    processes,
  } as const;
  if (!project) return { ...base, stages: [app([copyTree()])] };
  const steps: Step[] = [
    ...project.setUp.map((command) => run(command, [PIP_CACHE])),
    copy(project.files),
    run(project.install, project.caches),
    ...(build === null ? [] : [copy(["."]), run(build)]),
  ];
  const built = stage("build", sameVersion(runtime, "python-build"), steps, {
    env: { ...environment, ...REPRODUCIBLE, ...project.env },
    path,
  });
  const taken: Step = { take: VENV, from: "build", to: "./.venv" };
  const last = build === null && !project.files.includes(".") ? copyTree() : takeTree("build");
  return { ...base, stages: [built, app("take" in last ? [last] : [taken, last])] };
}

async function pythonRuntime(tree: Tree, project: PythonProject | null): Promise<Runtime> {
  const wish = await wishFromFiles(tree, {
    files: [".python-version", "runtime.txt"],
    tools: ["python"],
  });
  const asked = project?.requires ?? null;
  const declared =
    asked === null
      ? null
      : { text: asked.text, range: conditionRange(asked.text), from: asked.from };
  return runtimeOf("python", wish, declared);
}
