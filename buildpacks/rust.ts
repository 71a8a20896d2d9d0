import { PlanError } from "./errors.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { Detector, Runtime, SourcePlan } from "./plan.ts";
import { processesOf } from "./procfile.ts";
import { versionRange } from "./ranges.ts";
import { copy, copyTree, HOME, run, stage } from "./stages.ts";
import { parseToml } from "./toml.ts";
import type { Tree } from "./tree.ts";
import { runtimeOf, wishFromFiles, type Wish } from "./versions.ts";

const CRATES = { name: "cargo", target: "/root/.cargo/registry" };
const TARGET = { name: "cargo-target", target: `${HOME}/target` };
const NAME = /^[\w-]+$/;

/** Apps with a Cargo.toml; their binaries lie where cargo puts them, in target/release. */
export const rust: Detector = {
  name: "rust",
  looksFor: "a Cargo.toml",
  plan: async (tree) => {
    const text = await tree.read("Cargo.toml");
    // A crate beside a package.json is a native part of a Node package.
    if (text === null || (await tree.has("package.json"))) return null;
    return planRust(tree, parseToml("Cargo.toml", text));
  },
};

async function planRust(tree: Tree, cargo: JsonObject): Promise<SourcePlan> {
  const runtime = await rustRuntime(tree, cargo);
  const locked = await tree.has("Cargo.lock");
  const programs = await findPrograms(tree, cargo);
  const [first] = programs;
  if (first === undefined)
    throw new PlanError("not-buildable", {
      expected: "A program in Cargo.toml ([[bin]], src/main.rs or src/bin/)",
      came: isObject(cargo["workspace"]) ? "a workspace whose members have none" : "a library",
      todo: "Add src/main.rs, or push the folder of the member that is the app.",
    });
  const processes = await processesOf(tree, `target/release/${first}`, {
    tried: "no program in Cargo.toml",
    example: "target/release/app",
  });
  const copies = programs.map((name) => `target/release/${name}`).join(" ");
  const build = `cargo build --release${locked ? " --locked" : ""} && mkdir -p /out && cp ${copies} /out/`;
  return {
    buildpack: "rust",
    why: locked ? "Cargo.toml with Cargo.lock" : "Cargo.toml without a lockfile",
    warnings: locked
      ? []
      : ["There is no Cargo.lock: versions are chosen anew at every build. Commit one."],
    runtime,
    stages: [
      stage("build", runtime, [copy(["."]), run(build, [CRATES, TARGET])], {
        env: { CARGO_HOME: "/root/.cargo" },
      }),
      stage("app", { name: "debian", range: "*", from: "default" }, [
        copyTree(),
        { take: "/out/", from: "build", to: "./target/release/" },
      ]),
    ],
    files: {},
    leavesOut: ["target"],
    processes,
  };
}

/** Names of the binaries; the package's own comes first. */
async function findPrograms(tree: Tree, cargo: JsonObject): Promise<string[]> {
  const own = await programsOf(tree, cargo, "");
  const workspace = isObject(cargo["workspace"]) ? cargo["workspace"]["members"] : null;
  if (own.length > 0 || !Array.isArray(workspace)) return own;
  const found: string[] = [];
  for (const member of await memberFolders(tree, workspace.map(String))) {
    const file = `${member}/Cargo.toml`;
    const text = await tree.read(file);
    if (text !== null) found.push(...(await programsOf(tree, parseToml(file, text), `${member}/`)));
  }
  return found;
}

async function memberFolders(tree: Tree, members: string[]): Promise<string[]> {
  const found = await Promise.all(
    members
      .filter((member) => /^[\w./-]+(\/\*)?$/.test(member))
      .map(async (member) => {
        if (!member.endsWith("/*")) return [member];
        const folder = member.slice(0, -2);
        return (await tree.list(folder)).map((name) => `${folder}/${name}`);
      }),
  );
  return found.flat();
}

async function programsOf(tree: Tree, cargo: JsonObject, folder: string): Promise<string[]> {
  const name = isObject(cargo["package"]) ? cargo["package"]["name"] : null;
  const bins = Array.isArray(cargo["bin"]) ? cargo["bin"] : [];
  const named = bins.flatMap((bin) => (isObject(bin) ? String(bin["name"]) : []));
  const main = (await tree.has(`${folder}src/main.rs`)) && typeof name === "string" ? [name] : [];
  const below = (await tree.list(`${folder}src/bin`)).map((file) => file.replace(/\.rs$/, ""));
  // A [[bin]] section for src/main.rs takes the package's name away from it.
  const all = named.length > 0 ? [...named, ...below] : [...main, ...below];
  return [...new Set(all)].filter((one) => NAME.test(one));
}

async function rustRuntime(tree: Tree, cargo: JsonObject): Promise<Runtime> {
  const text = await tree.read("rust-toolchain.toml");
  const toolchain = text === null ? {} : parseToml("rust-toolchain.toml", text)["toolchain"];
  const channel = isObject(toolchain) ? toolchain["channel"] : null;
  const fromToml: Wish | null =
    typeof channel === "string"
      ? { text: channel, range: versionRange(channel), from: "rust-toolchain.toml" }
      : null;
  const files = await wishFromFiles(tree, { files: ["rust-toolchain"], tools: ["rust"] });
  const oldest = isObject(cargo["package"]) ? cargo["package"]["rust-version"] : null;
  const declared: Wish | null =
    typeof oldest === "string"
      ? {
          text: oldest,
          range: /^\d+\.\d+(\.\d+)?$/.test(oldest) ? `>=${oldest} <2` : null,
          from: "Cargo.toml",
        }
      : null;
  return runtimeOf("rust", fromToml, files, declared);
}
