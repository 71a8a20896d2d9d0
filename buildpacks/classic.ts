import { COMPILE_SCRIPT, START_SCRIPT } from "./classic-scripts.ts";
import { PlanError } from "./errors.ts";
import { isObject, parseJsonObject } from "./json.ts";
import type { Detector, Runtime, SourcePlan } from "./plan.ts";
import { readProcfile } from "./procfile.ts";
import { HOME, run, stage } from "./stages.ts";
import type { Tree } from "./tree.ts";

const COMPILE = "/teal/compile";
const START = "/teal/start";
const BUILT = "/tmp/build/";
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
    leavesOut: [],
    processes: Object.fromEntries(names.map((name) => [name, `bash ${START} ${name}`])),
  };
}

/** @throws PlanError broken-line, not-buildable */
async function readSources(tree: Tree, text: string): Promise<string[]> {
  const sources: string[] = [];
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const folder = line.replace(/^\.\//, "").replace(/\/+$/, "");
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
  const text = await tree.read("app.json");
  const { buildpacks } = text === null ? {} : parseJsonObject("app.json", text);
  const urls = Array.isArray(buildpacks)
    ? buildpacks.map((one) => (isObject(one) ? one["url"] : undefined))
    : [];
  return urls.filter((url) => typeof url === "string" && URL_LINE.test(url)) as string[];
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
