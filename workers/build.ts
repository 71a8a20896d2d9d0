import type { BuildOptions } from "../apps/build-options.ts";
import { TealError } from "../apps/errors.ts";
import type { Settings } from "../apps/config.ts";
import type { TreeFetcher } from "../apps/tree-fetcher.ts";
import { detect } from "../buildpacks/detect.ts";
import type { Plan } from "../buildpacks/plan.ts";
import { SECRET_ENV } from "../buildpacks/render.ts";
import type { Bases } from "./bases.ts";
import { createContext } from "./build-context.ts";
import { proxyArguments } from "./build-env.ts";
import { createOutput } from "./build-output.ts";
import { placeOf } from "./build-place.ts";
import { buildFailed } from "./build-failed.ts";
import { createFetchTrees } from "./build-fetch.ts";
import { contextOf, createRecipes, type Recipe } from "./build-recipe.ts";
import { DEFAULT_PORT, exposedPort } from "./engine/image-info.ts";
import type { Images } from "./engine/images.ts";
import type { Built, Say } from "./ports.ts";
import type { BringImages } from "./private-images.ts";

export interface BuildJob {
  app: string;
  /** 40 hex digits. */
  commit: string;
  /** The source tree; nothing is written to it. */
  dir: string;
  tag: string;
  options: BuildOptions;
  /** What the build may read as secrets: name to value. */
  env: Record<string, string>;
  /** Another one when any of `env` is another: says nothing of the values. */
  envMark: string;
  /** No step is taken from the cache. */
  fresh: boolean;
  /** All that the builder says goes into the log. */
  verbose?: boolean;
  /** Where the commit came from, for the image's labels. */
  source?: string;
  signal: AbortSignal;
  say: Say;
}

export interface Builder {
  /**
   * Source tree in, image out. Run twice it gives the same image, from the cache.
   * @throws TealError build-failed, no-engine; the signal's reason
   */
  build(job: BuildJob): Promise<Built>;
}

export interface BuilderOptions {
  images: Pick<Images, "build">;
  bases: Bases;
  /** Fetches what lies in private registries; nothing is fetched when absent. */
  bring?: BringImages;
  /** Fetches classic buildpacks from their repositories. */
  fetcher: TreeFetcher;
  settings: Pick<Settings, "namespace" | "buildTimeoutMs"> & {
    paths: Pick<Settings["paths"], "work">;
  };
  env?: NodeJS.ProcessEnv;
}

export function createBuilder({
  images,
  bases,
  bring = async () => {},
  fetcher,
  settings,
  env = process.env,
}: BuilderOptions): Builder {
  const fetchTrees = createFetchTrees(fetcher, settings.paths.work);
  const recipeOf = createRecipes({ bases, namespace: settings.namespace, bring, fetchTrees });

  const build = async (job: BuildJob): Promise<Built> => {
    const { options } = job;
    const place = await placeOf(job.dir, options);
    const plan = await detect(place.root, {
      ...(place.dockerfile !== undefined && { dockerfile: place.dockerfile }),
      ...(options.buildpacks && { buildpacks: options.buildpacks }),
    });
    for (const warning of [...plan.warnings, ...needless(plan, options)]) job.say("warn", warning);
    const recipe = await recipeOf(plan, job, place);
    try {
      return await buildRecipe(job, plan, recipe);
    } finally {
      await recipe.done();
    }
  };

  const buildRecipe = async (job: BuildJob, plan: Plan, recipe: Recipe): Promise<Built> => {
    const { options } = job;
    const context = await createContext(await contextOf(recipe));
    job.say("info", `Sending ${context.files} files (${size(context.bytes)}) to the builder`);
    const output = createOutput((line) => job.say("output", line));
    const ofDockerfile = plan.buildpack === "dockerfile";
    const image = await images.build({
      context: context.tar,
      dockerfile: recipe.dockerfile,
      tag: job.tag,
      labels: labelsOf(job, context.newest, recipe.fetched),
      buildArgs: {
        ...proxyArguments(env),
        // Of the commit: newer builders date the image by it. Only steps of a Dockerfile that asks for it depend on it.
        SOURCE_DATE_EPOCH: String(Math.floor(context.newest.getTime() / 1000)),
        ...(ofDockerfile && options.args),
      },
      ...(ofDockerfile && options.target !== undefined && { target: options.target }),
      secrets: { ...job.env, [SECRET_ENV]: shellOf(job.env) },
      fresh: job.fresh,
      steps: stepsOf(job, settings.namespace),
      ...(job.verbose && { verbose: true }),
      signal: job.signal,
      onLine: output.line,
    });
    return {
      image: image.id,
      imageBytes: image.bytes,
      processes: plan.processes,
      port: (ofDockerfile ? exposedPort(image) : null) ?? DEFAULT_PORT,
      ...(recipe.fetched.length > 0 && { buildpacks: recipe.fetched }),
    };
  };

  return {
    build: async (job) => {
      const ms = job.options.timeoutMs ?? settings.buildTimeoutMs;
      const late = new TealError("build-failed", {
        detail: `it took longer than ${ms / 1000} s, and was ended; 'teal build:set timeout=' gives it more`,
      });
      const bound = new AbortController();
      const timer = setTimeout(() => bound.abort(late), ms);
      try {
        return await build({ ...job, signal: AbortSignal.any([job.signal, bound.signal]) });
      } catch (error) {
        job.signal.throwIfAborted();
        throw bound.signal.aborted ? late : buildFailed(error, job.options);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** A host that there cannot be stands for the app: one build of it runs at a time. */
function stepsOf({ app, options: { memory, cpus } }: BuildJob, namespace: string) {
  const mark = `${namespace}-${app}.build.invalid`;
  return {
    mark,
    ...(memory !== undefined && { memory }),
    ...(cpus !== undefined && { cpus }),
  };
}

/** The variables for commands of plans to read; the second line is for buildpacks. */
function shellOf(env: Record<string, string>): string {
  const names = Object.keys(env);
  const lines = names.map((name) => `export ${name}='${env[name]?.replaceAll("'", "'\\''")}'`);
  return [...lines, `export TEAL_BUILD_ENV='${names.join(" ")}'`, ""].join("\n");
}

/** Options that say something of a Dockerfile, where there is none. */
function needless(plan: Plan, { args, target }: BuildOptions): string[] {
  if (plan.buildpack === "dockerfile") return [];
  const names = [
    ...Object.keys(args ?? {}).map((name) => `arg.${name}`),
    ...(target ? ["target"] : []),
  ];
  return names.map(
    (name) => `The build option ${name} is about a Dockerfile, and changes nothing here.`,
  );
}

function labelsOf(
  { commit, app, source }: BuildJob,
  newest: Date,
  buildpacks: string[],
): Record<string, string> {
  return {
    "org.opencontainers.image.revision": commit,
    // Of the commit, not of this build: the same tree gives the same image.
    "org.opencontainers.image.created": newest.toISOString(),
    ...(source && { "org.opencontainers.image.source": source }),
    "teal.app": app,
    ...(buildpacks.length > 0 && { "teal.buildpacks": buildpacks.join(" ") }),
  };
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
