import { PlanError } from "./errors.ts";
import { hasSourcesAlone } from "./manifests.ts";
import type { Detector, Runtime, SourcePlan } from "./plan.ts";
import { processesOf } from "./procfile.ts";
import { copy, copyTree, HOME, run, stage } from "./stages.ts";
import type { Tree } from "./tree.ts";
import { runtimeOf, wishFromFiles } from "./versions.ts";

const MODULES = { name: "go-modules", target: "/root/go/pkg/mod" };
const BUILDS = { name: "go-build", target: "/root/.cache/go-build" };
/** It needs a C compiler, and the C library where it runs. */
const NEEDS_C = /^[ \t]*(?:require[ \t]+)?github\.com\/mattn\/go-sqlite3\s/m;

/** A module that lies in a folder of the tree: `example.com/a => ./a`. */
const LOCAL = /=>[ \t]*"?\.{1,2}\//;

/** Apps with a go.mod; their binaries are put into bin/. */
export const go: Detector = {
  name: "go",
  looksFor: "a go.mod",
  plan: async (tree) => {
    const text = await tree.read("go.mod");
    if (text !== null) return planGo(tree, text);
    if ((await tree.has("main.go")) && (await hasSourcesAlone(tree))) {
      throw new PlanError("not-buildable", {
        expected: "A go.mod beside main.go",
        came: "none",
        todo: "Run 'go mod init NAME' and commit go.mod.",
      });
    }
    return null;
  },
};

async function planGo(tree: Tree, text: string): Promise<SourcePlan> {
  const runtime = await goRuntime(tree, text);
  const vendored = await tree.has("vendor/modules.txt");
  const hasSum = await tree.has("go.sum");
  // What one in a folder needs is known when that is there, and it may be all that the app needs.
  const needs = /^[ \t]*require\b/m.test(text) && !LOCAL.test(text);
  if (needs && !vendored && !hasSum)
    throw new PlanError("no-lockfile", {
      expected: "A go.sum beside a go.mod with requirements",
      came: "none",
      command: "go mod tidy",
    });
  const programs = await findPrograms(tree, text);
  const first = programs[0];
  const processes = await processesOf(tree, first ? `bin/${first.name}` : null, {
    tried: "no package main at the top and none in cmd/",
    example: "bin/server",
  });
  const cgo = NEEDS_C.test(text) ? "1" : "0";
  const flags = `-trimpath -ldflags="-s -w"`;
  const builds = programs.map(({ name, path }) => `go build ${flags} -o /out/${name} ${path}`);
  const build = builds.length > 0 ? builds.join(" && ") : `go build ${flags} -o /out/ ./...`;
  const download =
    needs && !vendored
      ? [copy(["go.mod", ...(hasSum ? ["go.sum"] : [])]), run("go mod download", [MODULES])]
      : [];
  const built = stage(
    "build",
    runtime,
    [...download, copy(["."]), run(`mkdir -p /out && ${build}`, [MODULES, BUILDS])],
    { env: { CGO_ENABLED: cgo, GOPATH: "/root/go", GOTOOLCHAIN: "local" } },
  );
  const app = stage(
    "app",
    { name: "debian", range: "*", from: "default" },
    [copyTree(), { take: "/out/", from: "build", to: "./bin/" }],
    { path: [`${HOME}/bin`] },
  );
  return {
    buildpack: "go",
    why: vendored ? "go.mod with vendor/" : "go.mod",
    warnings: [],
    runtime,
    stages: [built, app],
    files: {},
    leavesOut: [],
    processes,
  };
}

interface Program {
  name: string;
  /** As `go build` takes it. */
  path: string;
}

/** The program at the top, then those of cmd/; what is called like a server comes first. */
async function findPrograms(tree: Tree, mod: string): Promise<Program[]> {
  const module = /^[ \t]*module[ \t]+"?([^\s"]+)/m.exec(mod)?.[1] ?? "app";
  const base =
    module
      .replace(/\/v\d+$/, "")
      .split("/")
      .at(-1) ?? "";
  const own = /^[\w.-]+$/.test(base) ? base : "app";
  const top = (await hasMain(tree, ".")) ? [{ name: own, path: "." }] : [];
  const below: Program[] = [];
  for (const name of await tree.list("cmd")) {
    if (/^[\w.-]+$/.test(name) && (await hasMain(tree, `cmd/${name}`)))
      below.push({ name, path: `./cmd/${name}` });
  }
  const rank = ({ name }: Program): number => {
    const at = ["web", "server", own, "api", "app"].indexOf(name);
    return at === -1 ? 99 : at;
  };
  return [...top, ...below.toSorted((a, b) => rank(a) - rank(b))];
}

async function hasMain(tree: Tree, folder: string): Promise<boolean> {
  const names = (await tree.list(folder)).filter(
    (name) => name.endsWith(".go") && !name.endsWith("_test.go"),
  );
  const ordered = ["main.go", ...names.filter((name) => name !== "main.go")].slice(0, 50);
  for (const name of ordered.filter((one) => names.includes(one))) {
    const text = (await tree.read(folder === "." ? name : `${folder}/${name}`)) ?? "";
    if (/^package\s+main\b/m.test(text)) return true;
  }
  return false;
}

/** go.mod's version is the oldest that will do; its toolchain line names the one to take. */
async function goRuntime(tree: Tree, text: string): Promise<Runtime> {
  const files = await wishFromFiles(tree, { files: [".go-version"], tools: ["go", "golang"] });
  const asked = /^(?:toolchain\s+go|go\s+)([\w.]+)/gm;
  const oldest = [...text.matchAll(asked)].at(-1)?.[1];
  const heroku = /^\/\/\s*\+heroku\s+goVersion\s+go([\d.]+)/m.exec(text)?.[1];
  const version = heroku ?? oldest;
  const range = version && /^\d+\.\d+(\.\d+)?$/.test(version) ? `>=${version} <2` : null;
  const declared = version === undefined ? null : { text: version, range, from: "go.mod" };
  return runtimeOf("go", files, declared);
}
