import { isObject, parseJsonc, type JsonObject } from "./json.ts";
import type { Detector, SourcePlan } from "./plan.ts";
import { processesOf } from "./procfile.ts";
import { copy, copyTree, HOME, run, stage } from "./stages.ts";
import type { Tree } from "./tree.ts";
import { runtimeOf, wishFromFiles } from "./versions.ts";

const MAIN_FILES = ["main.ts", "server.ts", "app.ts", "mod.ts", "main.js", "server.js"];
/** A server may reach the network, its environment and its files, and nothing else. */
const MAY = "--allow-net --allow-env --allow-read";

/** Apps for Deno, which brings its own package manager. */
export const deno: Detector = {
  name: "deno",
  looksFor: "a deno.json",
  plan: async (tree) => {
    const names = await tree.names();
    const file = ["deno.json", "deno.jsonc"].find((name) => names.includes(name));
    if (file === undefined && !names.includes("deno.lock")) return null;
    const text = file === undefined ? null : await tree.read(file);
    return planDeno(tree, file ?? "deno.lock", text === null ? {} : parseJsonc(file ?? "", text));
  },
};

async function planDeno(tree: Tree, why: string, config: JsonObject): Promise<SourcePlan> {
  const runtime = runtimeOf(
    "deno",
    await wishFromFiles(tree, { files: [".deno-version", ".dvmrc"], tools: ["deno"] }),
  );
  const names = await tree.names();
  const file = MAIN_FILES.find((name) => names.includes(name));
  const tasks = isObject(config["tasks"]) ? config["tasks"] : {};
  const web =
    tasks["start"] !== undefined ? "deno task start" : file ? `deno run ${MAY} ${file}` : null;
  const processes = await processesOf(tree, web, {
    tried: `no task 'start' in deno.json, and none of ${MAIN_FILES.join(", ")}`,
    example: `deno run ${MAY} main.ts`,
  });
  const frozen = names.includes("deno.lock") ? " --frozen" : "";
  const fetch =
    file === undefined ? `deno install${frozen}` : `deno install${frozen} --entrypoint ${file}`;
  const builds = tasks["build"] === undefined ? [] : [run("deno task build")];
  const env = { DENO_DIR: `${HOME}/.deno`, DENO_NO_UPDATE_CHECK: "1" };
  const built = stage(
    "build",
    runtime,
    [copy(["."]), run(fetch), run("mkdir -p .deno"), ...builds],
    { env },
  );
  const last =
    builds.length > 0
      ? [{ take: `${HOME}/`, from: "build", to: "./", owned: true } as const]
      : [{ take: `${HOME}/.deno`, from: "build", to: "./.deno", owned: true } as const, copyTree()];
  return {
    buildpack: "deno",
    why: frozen && why !== "deno.lock" ? `${why} with deno.lock` : why,
    warnings: [],
    runtime,
    stages: [built, stage("app", runtime, last, { env })],
    files: {},
    leavesOut: ["**/node_modules", ".deno"],
    processes,
  };
}
