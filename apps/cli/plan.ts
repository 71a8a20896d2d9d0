import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { detect } from "../../buildpacks/detect.ts";
import { PlanError } from "../../buildpacks/errors.ts";
import type { Plan, Runtime, SourcePlan, Stage } from "../../buildpacks/plan.ts";
import { renderDockerfile } from "../../buildpacks/render.ts";
import { labelOf, LANGUAGES } from "../../buildpacks/runtimes.ts";
import { Refusal } from "./client.ts";
import type { Input } from "./command.ts";
import type { Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

const COMMAND = { name: "build:plan" };

/** Prints how a folder would be built, without a platform and without building. */
export async function showPlan({ args, options, out }: Input): Promise<void> {
  if (process.env["TEAL_OVER_SSH"]) {
    // The folders here are the platform's, not the caller's.
    throw wrongUsage("'teal build:plan' looks at a folder of your own machine", COMMAND);
  }
  const dir = resolve(args[0] ?? ".");
  const found = await stat(dir).catch(() => null);
  if (!found?.isDirectory()) throw wrongUsage(`A folder was expected, and ${dir} is none`, COMMAND);
  const plan = await planOf(dir);
  if (options["dockerfile"]) return out.line(out.foreign(dockerfileOf(plan)));
  if (out.json) return out.value(plan);
  const facts = plan.buildpack === "dockerfile" ? ofDockerfile(plan.from) : ofSource(plan);
  out.facts([["why", plan.why], ...facts, ...processes(plan)]);
  for (const warning of plan.warnings) out.note(`Warning: ${warning}`);
}

async function planOf(dir: string): Promise<Plan> {
  try {
    return await detect(dir);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    const { code, says, todo } = error;
    throw new Refusal({ title: code, detail: says, todo, status: 422 });
  }
}

/** Bases by their names; which image they are is settled where the build runs. */
function dockerfileOf(plan: Plan): string {
  if (plan.buildpack === "dockerfile") return plan.dockerfile.trimEnd();
  const image = ({ name, range }: Runtime): string =>
    `teal/base/${name}${range === "*" ? "" : `:${range}`}`;
  return renderDockerfile(plan, { image, ca: () => false, caches: "app" }).trimEnd();
}

function ofDockerfile(from: string[]): [string, Cell][] {
  return [
    ["app", "Dockerfile"],
    ["from", from.join(", ")],
  ];
}

function ofSource(plan: SourcePlan): [string, Cell][] {
  const { name, range, from } = plan.runtime;
  const version = range === "*" ? "the default" : range;
  return [
    ["app", LANGUAGES[plan.buildpack]],
    ["runtime", `${labelOf(name)} ${version} (${from})`],
    ...plan.stages.flatMap(steps),
  ];
}

function steps({ name, on, packages, steps: all }: Stage): [string, Cell][] {
  const lines = all.flatMap((step) => {
    if ("run" in step) {
      const caches = step.caches.map((cache) => cache.name).join(", ");
      return `run ${step.run}${caches ? ` (cache: ${caches})` : ""}`;
    }
    if ("copy" in step) {
      const files = step.copy.map((file) => (file === "." ? "all files" : file));
      return `copy ${files.join(", ")}`;
    }
    return "take" in step ? `take ${step.take} from ${step.from}` : [];
  });
  const installs = packages.length > 0 ? [`install ${packages.join(", ")}`] : [];
  return [`on ${on.name}`, ...installs, ...lines].map((line, index) => [
    index === 0 ? `stage ${name}` : "",
    line,
  ]);
}

function processes(plan: Plan): [string, Cell][] {
  return Object.entries(plan.processes).map(([name, command]) => [
    name,
    command || "the image's own command",
  ]);
}
