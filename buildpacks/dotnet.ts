import { PlanError } from "./errors.ts";
import { isObject, parseJsonObject } from "./json.ts";
import type { Detector, Runtime, SourcePlan } from "./plan.ts";
import { processesOf } from "./procfile.ts";
import { sameVersion } from "./runtimes.ts";
import { copy, HOME, run, stage } from "./stages.ts";
import type { Tree } from "./tree.ts";
import { runtimeOf, wishFromFiles, type Wish } from "./versions.ts";

const PROJECT = /\.(?:cs|fs|vb)proj$/;
const NUGET = { name: "nuget", target: "/root/.nuget/packages" };
/** Paths stand in commands. */
const PLAIN = /^[\w./ -]+$/;

/** Apps for .NET, published for the runtime of ASP.NET. */
export const dotnet: Detector = {
  name: "dotnet",
  looksFor: "a .NET project (*.csproj, *.fsproj)",
  plan: async (tree) => {
    const projects = await findProjects(tree);
    if (projects.length === 0) return null;
    const web = projects.filter(({ text }) => text.includes("Microsoft.NET.Sdk.Web"));
    const [project, other] = web.length > 0 ? web : projects;
    if (project === undefined) return null;
    if (other && web.length !== 1)
      throw new PlanError("not-buildable", {
        expected: 'One web project (Sdk="Microsoft.NET.Sdk.Web")',
        came: `${project.path} and ${other.path}`,
        todo: "Push the folder of the one that is the app, or bring a Dockerfile.",
      });
    return planDotnet(tree, project);
  },
};

interface Project {
  path: string;
  text: string;
}

/** At the top, one folder down, and two below src/. */
async function findProjects(tree: Tree): Promise<Project[]> {
  const names = await tree.names();
  const solution = names.some((name) => /\.slnx?$/.test(name));
  const at = names.filter((name) => PROJECT.test(name));
  if (at.length === 0 && solution) {
    const folders = [...names, ...(await tree.list("src")).map((name) => `src/${name}`)];
    for (const folder of folders.slice(0, 100)) {
      const inside = await tree.list(folder);
      at.push(...inside.filter((name) => PROJECT.test(name)).map((name) => `${folder}/${name}`));
    }
  }
  const plain = at.filter((path) => PLAIN.test(path) && !/tests?\.\w+$/i.test(path));
  return Promise.all(plain.map(async (path) => ({ path, text: (await tree.read(path)) ?? "" })));
}

async function planDotnet(tree: Tree, project: Project): Promise<SourcePlan> {
  const runtime = await dotnetRuntime(tree, project);
  const file = project.path.split("/").at(-1) ?? "";
  const named = /<AssemblyName>\s*([\w.-]+)\s*</.exec(project.text)?.[1];
  const dll = `${named ?? file.replace(PROJECT, "")}.dll`;
  const processes = await processesOf(tree, `ASPNETCORE_HTTP_PORTS=$PORT dotnet "out/${dll}"`, {
    tried: "no project",
    example: `dotnet out/${dll}`,
  });
  const alone = !/[/ ]/.test(project.path) && !/<ProjectReference/.test(project.text);
  const lock = (await tree.has("packages.lock.json")) ? ["packages.lock.json"] : [];
  const more = (await tree.names()).filter((name) =>
    /^(?:global\.json|nuget\.config|Directory\.(?:Build|Packages)\.props)$/i.test(name),
  );
  const restore = run(
    `dotnet restore "${project.path}"${lock.length > 0 ? " --locked-mode" : ""}`,
    [NUGET],
  );
  const before = alone
    ? [copy([project.path, ...lock, ...more]), restore, copy(["."])]
    : [copy(["."]), restore];
  const publish = `dotnet publish "${project.path}" --configuration Release --no-restore --output out`;
  return {
    buildpack: "dotnet",
    why: project.path,
    warnings: [],
    runtime,
    stages: [
      stage("build", sameVersion(runtime, "dotnet-build"), [...before, run(publish, [NUGET])], {
        env: { DOTNET_CLI_TELEMETRY_OPTOUT: "1", DOTNET_NOLOGO: "1" },
      }),
      stage("app", runtime, [{ take: `${HOME}/out`, from: "build", to: "./out", owned: true }], {
        env: { DOTNET_RUNNING_IN_CONTAINER: "true" },
      }),
    ],
    files: {},
    leavesOut: ["**/obj", "**/bin/Debug", "**/bin/Release", "out"],
    processes,
  };
}

async function dotnetRuntime(tree: Tree, { path, text }: Project): Promise<Runtime> {
  const json = await tree.read("global.json");
  const sdk = json === null ? null : parseJsonObject("global.json", json)["sdk"];
  const version = isObject(sdk) ? sdk["version"] : null;
  const fromGlobal = typeof version === "string" ? line(version, "global.json") : null;
  const target = /<TargetFramework>\s*([\w.-]+)/.exec(text)?.[1];
  // The framework is what runs the app; global.json names the tools that build it.
  const fromProject = target === undefined ? null : line(target, path);
  const files = await wishFromFiles(tree, { files: [], tools: ["dotnet", "dotnet-core"] });
  // They name tools, whose last number is none of a runtime's.
  const tools = files && line(files.text, files.from);
  return runtimeOf("dotnet", fromProject, fromGlobal, tools?.range ? tools : files);
}

function line(text: string, from: string): Wish {
  // "9.0.100" of tools, "net9.0" or "netcoreapp3.1" of a framework; "net48" is Windows' own.
  const found = /^(?:net(?:coreapp)?)?(\d+)\.(\d+)/.exec(text);
  return { text, range: found ? `${found[1]}.${found[2]}.x` : null, from };
}
