import semver from "semver";
import { PlanError } from "./errors.ts";
import { checkLockfile } from "./node-lockfiles.ts";
import { findManager, NPM_CACHE, type Manager } from "./node-managers.ts";
import { COMPILERS, HEADERS_ENV, isCompiled } from "./node-native.ts";
import { siteOutput } from "./node-output.ts";
import { readPackage, type Package } from "./node-package.ts";
import { nodeProcesses } from "./node-start.ts";
import type { Detector, RunStep, Runtime, SourcePlan, Stage, Step } from "./plan.ts";
import { copy, copyTree, HOME, run, stage, takeTree } from "./stages.ts";
import { serveSite } from "./static.ts";
import { sameVersion } from "./runtimes.ts";
import type { Tree } from "./tree.ts";
import { wishFromFiles } from "./versions.ts";

/** The current long-term-support line. */
const DEFAULT_RANGE = "24.x";
const VERSION_FILES = { files: [".node-version", ".nvmrc"], tools: ["node", "nodejs"] };

/** Apps with a package.json, installed by npm, pnpm, yarn or bun. */
export const node: Detector = {
  name: "node",
  looksFor: "a package.json",
  plan: async (tree) => {
    const text = await tree.read("package.json");
    return text === null ? null : planNode(tree, text);
  },
};

async function planNode(tree: Tree, manifest: string): Promise<SourcePlan> {
  const pkg = readPackage(manifest);
  await assertWorkspace(tree, pkg);
  const warnings: string[] = [];
  const manager = await findManager(tree, pkg);
  const { lockfile } = manager;
  await checkLockfile(tree, manager, manifest);
  if (lockfile === null && Object.keys(pkg.dependencies).length > 0)
    warnings.push(
      `There is no ${manager.name === "npm" ? "package-lock.json" : `lockfile of ${manager.name}`}: versions are chosen anew at every build. Commit one.`,
    );
  const runtime = await nodeRuntime(tree, pkg, warnings);
  const common = { buildpack: "node", warnings, runtime, leavesOut: ["**/node_modules"] } as const;
  const why = lockfile ? `package.json with ${lockfile}` : "package.json without a lockfile";
  const compiled = await isCompiled(tree, pkg, lockfile);
  const files = (await tree.has("binding.gyp")) ? ["."] : installFiles(pkg, manager);
  const work = { pkg, manager, runtime, files, compiled };

  const site = await siteOutput(tree, pkg);
  if (site) {
    const served = await serveSite(tree, { spa: site.spa, root: site.folder });
    const stages = [buildStage(work, null), served.stage(site.folder, "build")];
    const { files: brought, processes } = served;
    const how = `${why}; a site by ${site.tool}`;
    return { ...common, why: how, stages, files: brought, processes };
  }
  const processes = await nodeProcesses(tree, pkg);
  return { ...common, why, stages: serverStages(work, processes), files: {}, processes };
}

/** A range `workspace:` stands for a package of the same repository. @throws PlanError not-buildable */
async function assertWorkspace(
  tree: Tree,
  { dependencies, hasWorkspaces }: Package,
): Promise<void> {
  const [name] = Object.entries(dependencies).find(([, to]) => to.startsWith("workspace:")) ?? [];
  if (name === undefined || hasWorkspaces || (await tree.has("pnpm-workspace.yaml"))) return;
  throw new PlanError("not-buildable", {
    expected: `The workspace that ${name} is a package of, since package.json asks for it by 'workspace:',`,
    came: "a folder of it alone",
    todo: "Build from the folder that holds the lockfile ('teal build:unset root'), and say in a Procfile there which package is started, such as 'web: pnpm --filter web start'.",
  });
}

interface Work {
  pkg: Package;
  manager: Manager;
  runtime: Runtime;
  /** What the install reads; "." is the whole tree. */
  files: string[];
  /** Of C or C++, in part. */
  compiled: boolean;
}

/** A build leaves its own dependencies behind; the app's are installed beside it. */
function serverStages(work: Work, processes: Record<string, string>): Stage[] {
  const { pkg, manager, runtime, files, compiled } = work;
  const starts = [...Object.values(processes), pkg.scripts["start"] ?? ""];
  const needed = starts.some((command) => new RegExp(`\\b${manager.name}\\b`).test(command));
  const last = (steps: Step[]): Stage =>
    stage("app", sameVersion(runtime, "node-run"), needed ? [...setUp(manager), ...steps] : steps, {
      env: { ...(manager.setUp ? {} : manager.env), NODE_ENV: "production" },
      path: [`${HOME}/node_modules/.bin`],
    });
  const whole = files.includes(".");
  const install = run(manager.production, manager.caches);
  const builds = pkg.scripts["build"] !== undefined;

  if (!builds && manager.setUp === null && !compiled)
    return [last(whole ? [copyTree(), install] : [copy(files), install, copyTree()])];
  if (whole) {
    const prune = builds ? manager.prune : null;
    return [buildStage(work, prune), last([takeTree("build")])];
  }
  const dependencies = stage(
    "dependencies",
    runtime,
    [
      ...toolsOf(work),
      copy(files),
      run(`${manager.production} && mkdir -p node_modules`, manager.caches),
    ],
    { env: envOf(work) },
  );
  const taken: Step = { take: `${HOME}/node_modules`, from: "dependencies", to: "./node_modules" };
  if (!builds) return [dependencies, last([taken, copyTree()])];
  return [dependencies, buildStage(work, "rm -rf node_modules"), last([taken, takeTree("build")])];
}

/** Everything is installed, then built; `after` is what makes it smaller. */
function buildStage(work: Work, after: string | null): Stage {
  const { pkg, manager, runtime, files } = work;
  const builds = pkg.scripts["build"] !== undefined;
  const install = run(builds ? manager.everything : manager.production, manager.caches);
  const whole = files.includes(".");
  const build = builds ? [buildStep(pkg, manager, after)] : [];
  const steps = whole
    ? [copy(["."]), install, ...build]
    : [copy(files), install, copy(["."]), ...build];
  return stage("build", runtime, [...toolsOf(work), ...steps], { env: envOf(work) });
}

function buildStep(pkg: Package, manager: Manager, after: string | null): RunStep {
  const caches = Object.hasOwn(pkg.dependencies, "next")
    ? [{ name: "next", target: `${HOME}/.next/cache` }]
    : [];
  const command = manager.script("build") + (after === null ? "" : ` && ${after}`);
  return run(command, caches, { NODE_ENV: "production" });
}

function envOf({ manager, compiled }: Work): Record<string, string> {
  return { ...manager.env, ...(compiled && HEADERS_ENV) };
}

function toolsOf({ manager, compiled }: Work): Step[] {
  return [...(compiled ? [COMPILERS] : []), ...setUp(manager)];
}

function setUp({ setUp: command }: Manager): Step[] {
  return command === null ? [] : [run(command, [NPM_CACHE])];
}

/** The whole tree where an install reads more of it than its own files. */
function installFiles(pkg: Package, { lockfile, files }: Manager): string[] {
  if (pkg.installsFromTree || files.some((file) => /pnpm-workspace|yarnrc/.test(file)))
    return ["."];
  return ["package.json", ...(lockfile ? [lockfile] : []), ...files];
}

/** A version file is more exact than engines.node, and counts unless the two contradict each other. */
async function nodeRuntime(tree: Tree, pkg: Package, warnings: string[]): Promise<Runtime> {
  const wish = await wishFromFiles(tree, VERSION_FILES);
  const engines = pkg.nodeRange;
  if (engines !== null && semver.validRange(engines) === null)
    throw wrongVersion("engines.node in package.json", engines);
  if (wish !== null && wish.range === null) throw wrongVersion(wish.from, wish.text);
  if (wish === null || wish.range === null)
    return engines === null
      ? { name: "node", range: DEFAULT_RANGE, from: "default" }
      : { name: "node", range: engines, from: "engines.node" };
  if (engines === null || semver.intersects(wish.range, engines))
    return { name: "node", range: wish.range, from: wish.from };
  warnings.push(
    `${wish.from} names Node ${wish.text}, which engines.node (${engines}) excludes: engines.node counts.`,
  );
  return { name: "node", range: engines, from: "engines.node" };
}

function wrongVersion(from: string, came: string): PlanError {
  return new PlanError("bad-version", { label: "Node", from, came, example: "24.x" });
}
