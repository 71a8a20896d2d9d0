import { COMPILE_SCRIPT, START_SCRIPT } from "./classic-scripts.ts";
import { PlanError, printable } from "./errors.ts";
import { isObject, parseJsonObject } from "./json.ts";
import type { Detector, Repository, Runtime, SourcePlan } from "./plan.ts";
import { readProcfile } from "./procfile.ts";
import { HOME, run, stage } from "./stages.ts";
import { trimEndOf } from "./text.ts";
import type { Tree } from "./tree.ts";

const COMPILE = "/teal/compile";
const START = "/teal/start";
const BUILT = "/tmp/build/";
const FETCHED = "buildpacks";
const CACHE = { name: "classic", target: "/tmp/cache" };
/** Binaries that buildpacks fetch for it run on Debian bookworm, too. */
const STACK = "heroku-22";
const URL_LINE = /^https:\/\/[\w.-]+(?::\d+)?\/[\w./~-]+(?:#[\w./-]+)?$/;
const FOLDER_LINE = /^[\w.][\w./-]*$/;

/** Apps that name classic buildpacks: folders or git addresses with bin/detect, bin/compile, bin/release. */
export const classic: Detector = {
  name: "classic",
  looksFor: "a .buildpacks",
  plan: async (tree) => {
    const text = await tree.read(".buildpacks");
    if (text !== null) {
      const sources = await readSources(tree, text);
      return planClassic(tree, sources, `.buildpacks with ${sources.join(", ")}`);
    }
    const named = await readAppJson(tree);
    return named.length > 0 ? planClassic(tree, named, `app.json with ${named.join(", ")}`) : null;
  },
};

/** @param sources folders of the tree, or addresses of git repositories @throws PlanError */
export async function planClassic(
  tree: Tree,
  sources: string[],
  why = `buildpacks ${sources.join(", ")}`,
): Promise<SourcePlan> {
  for (const source of sources) {
    if (!URL_LINE.test(source)) await checkFolder(tree, source);
  }
  const procfile = (await readProcfile(tree)) ?? {};
  const runtime: Runtime = { name: "classic", range: "*", from: "default" };
  const repositories = sources.flatMap(repositoryOf);
  // What a process type runs may be known only when the buildpacks have run.
  const names = ["web", ...Object.keys(procfile).filter((name) => name !== "web")];
  return {
    buildpack: "classic",
    why,
    warnings: [],
    runtime,
    stages: [
      stage(
        "build",
        { ...runtime, name: "classic-build" },
        [
          { bring: "compile", to: COMPILE },
          ...(repositories.length > 0 ? [{ bring: FETCHED, to: `/teal/${FETCHED}` }] : []),
          { copy: ["."] },
          run(`bash ${COMPILE} ${sources.map((source) => `'${source}'`).join(" ")}`, [CACHE]),
        ],
        { env: { STACK, LANG: "C.UTF-8" } },
      ),
      stage(
        "app",
        runtime,
        [
          { bring: "start", to: START },
          { take: BUILT, from: "build", to: "./", owned: true },
        ],
        { env: { STACK, LANG: "C.UTF-8", HOME } },
      ),
    ],
    files: { compile: COMPILE_SCRIPT, start: START_SCRIPT },
    ...(repositories.length > 0 && { repositories }),
    leavesOut: [],
    processes: Object.fromEntries(names.map((name) => [name, `bash ${START} ${name}`])),
  };
}

/** The script looks for each buildpack under its number. */
function repositoryOf(source: string, index: number): Repository[] {
  if (!URL_LINE.test(source)) return [];
  const [url = "", ref = null] = source.split("#");
  return [{ url, ref, as: `${FETCHED}/${index + 1}` }];
}

/** @throws PlanError broken-line, not-buildable */
async function readSources(tree: Tree, text: string): Promise<string[]> {
  const sources: string[] = [];
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const folder = trimEndOf(line.replace(/^\.\//, ""), "/");
    const local = FOLDER_LINE.test(folder) && !folder.split("/").includes("..");
    if (!local && !URL_LINE.test(line)) {
      const expected = "a folder of the tree or an https:// address of a git repository";
      throw new PlanError("broken-line", {
        file: ".buildpacks",
        line: index + 1,
        expected,
        came: line,
      });
    }
    sources.push(local ? folder : line);
  }
  if (sources.length > 0) return sources;
  throw new PlanError("not-buildable", {
    expected: "A line in .buildpacks",
    came: "none",
    todo: "Name a buildpack, or remove the file.",
  });
}

/** Addresses alone: names such as `heroku/nodejs` stand for what is found without them. */
async function readAppJson(tree: Tree): Promise<string[]> {
  return (await namedInAppJson(tree)).filter(isAddress);
}

function isAddress(one: unknown): one is string {
  return typeof one === "string" && URL_LINE.test(one);
}

/** What stands in app.json in place of addresses. */
async function namedInAppJson(tree: Tree): Promise<unknown[]> {
  const text = await tree.read("app.json");
  const { buildpacks = [] } = text === null ? {} : parseJsonObject("app.json", text);
  return [buildpacks].flat().map((one) => (isObject(one) ? one["url"] : one));
}

/** A warning for each buildpack that app.json names and that is left out. @throws PlanError broken-json */
export async function unusedBuildpacks(tree: Tree): Promise<string[]> {
  if (await tree.has(".buildpacks")) return [];
  const left = (await namedInAppJson(tree)).filter((one) => !isAddress(one));
  return left.slice(0, 20).map((one) => {
    const came = typeof one === "string" ? one : (JSON.stringify(one) ?? "no url");
    const [, name] = /^heroku\/([a-z][a-z-]{0,40})$/.exec(came) ?? [];
    const such = `https://github.com/heroku/heroku-buildpack-${name ?? "ruby"}`;
    return `app.json: a buildpack was expected to be an https:// address of a git repository, such as ${such}; '${printable(came)}' came and is left out. Correct it; or remove it, and the app is built by what its tree holds ('teal build:plan' says how).`;
  });
}

async function checkFolder(tree: Tree, folder: string): Promise<void> {
  for (const program of ["bin/detect", "bin/compile"]) {
    if ((await tree.read(`${folder}/${program}`)) !== null) continue;
    throw new PlanError("not-buildable", {
      expected: `${folder}/${program}, since the buildpack ${folder} is named`,
      came: "no such file",
      todo: "Commit the buildpack, or correct its name.",
    });
  }
}
