import { imagesOf } from "../buildpacks/dockerfile-images.ts";
import type { DockerfilePlan, Plan, Runtime, SourcePlan } from "../buildpacks/plan.ts";
import { BROUGHT, renderDockerfile, TREE } from "../buildpacks/render.ts";
import { labelOf, LANGUAGES } from "../buildpacks/runtimes.ts";
import { openTree } from "../buildpacks/tree.ts";
import { anyOf } from "../buildpacks/versions.ts";
import type { Bases } from "./bases.ts";
import type { BuildJob } from "./build.ts";
import { type FetchTrees, NOTHING_FETCHED } from "./build-fetch.ts";
import type { ContextRequest } from "./build-context.ts";
import { createIgnore, slugPatterns } from "./build-ignore.ts";
import type { Place } from "./build-place.ts";
import type { BringImages } from "./private-images.ts";

/** What the engine is given, and how the archive is filled. */
export interface Recipe {
  /** Path in the archive. */
  dockerfile: string;
  /** Folder that the archive is filled from. */
  dir: string;
  under: string;
  files: Record<string, string>;
  always: string[];
  /** Trees that were fetched for it, and the folders of the archive that they go into. */
  trees: { dir: string; under: string }[];
  /** Address and commit of each, `https://HOST/PATH#COMMIT`. */
  fetched: string[];
  /** Removes what was fetched. */
  done(): Promise<void>;
}

/** No file of an app has this name by chance. */
const OWN_DOCKERFILE = ".teal.Dockerfile";

/** How a plan becomes something that the engine can build. */
export function createRecipes({
  fetchTrees,
  bases,
  namespace,
  bring,
}: {
  bases: Bases;
  namespace: string;
  bring: BringImages;
  fetchTrees: FetchTrees;
}) {
  const fromSource = async (plan: SourcePlan, job: BuildJob, place: Place): Promise<Recipe> => {
    const { signal, say } = job;
    const own = await bases.ensureBase(plan.runtime, (text) => say("info", text), signal);
    const found = new Map([[keyOf(plan.runtime), own]]);
    for (const { on } of plan.stages) {
      if (found.has(keyOf(on))) continue;
      // What builds an app and what runs it are of one version.
      const same = labelOf(on.name) === labelOf(plan.runtime.name);
      const range = same ? anyOf(own.version) : on.range;
      const base = await bases.ensureBase({ ...on, range }, (text) => say("info", text), signal);
      found.set(keyOf(on), base);
    }
    const label = labelOf(plan.runtime.name);
    say(
      "info",
      `${LANGUAGES[plan.buildpack]} app: ${plan.why}; ${label} ${own.version} (${plan.runtime.from}), base ${own.image}`,
    );
    const text = renderDockerfile(plan, {
      image: (runtime) => found.get(keyOf(runtime))?.image ?? "",
      ca: (runtime) => found.get(keyOf(runtime))?.ca ?? false,
      caches: `${namespace}-${job.app}`,
      ...(Object.keys(job.env).length > 0 && { secrets: job.envMark }),
    });
    const brought = Object.entries(plan.files).map(([name, content]) => [
      `${BROUGHT}/${name}`,
      content,
    ]);
    return {
      dockerfile: "Dockerfile",
      dir: place.root,
      under: TREE,
      files: { Dockerfile: text, ...Object.fromEntries(brought) },
      always: [".git", ...plan.leavesOut],
      ...(await fetchTrees(plan.repositories ?? [], job)),
    };
  };

  const fromDockerfile = async (
    plan: DockerfilePlan,
    job: BuildJob,
    place: Place,
  ): Promise<Recipe> => {
    const { signal, say } = job;
    say("info", `App with a ${plan.why}`);
    const from = imagesOf(plan.dockerfile, job.options.args);
    for (const image of from) await bases.ensureNamed(image, (text) => say("info", text), signal);
    await bring(from, { say, signal });
    const plain = place.dockerfile === undefined && place.context === place.root;
    const name = plain ? "Dockerfile" : OWN_DOCKERFILE;
    return {
      dockerfile: name,
      dir: place.context,
      under: "",
      files: { [name]: plan.dockerfile },
      always: [".git"],
      ...NOTHING_FETCHED,
    };
  };

  return (plan: Plan, job: BuildJob, place: Place): Promise<Recipe> =>
    plan.buildpack === "dockerfile"
      ? fromDockerfile(plan, job, place)
      : fromSource(plan, job, place);
}

/** What of the tree goes to the engine. */
export async function contextOf(recipe: Recipe): Promise<ContextRequest> {
  const tree = openTree(recipe.dir);
  const patterns = (await tree.read(".dockerignore")) ?? "";
  const slug = slugPatterns((await tree.read(".slugignore")) ?? "");
  return {
    dir: recipe.dir,
    under: recipe.under,
    files: recipe.files,
    trees: recipe.trees,
    ignore: createIgnore(patterns, [...recipe.always, ...slug]),
  };
}

function keyOf({ name, range }: Runtime): string {
  return `${name} ${range}`;
}
