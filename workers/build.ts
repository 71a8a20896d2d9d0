import { detect } from "../buildpacks/detect.ts";
import { PlanError } from "../buildpacks/errors.ts";
import type { DockerfilePlan, Plan, Runtime, SourcePlan } from "../buildpacks/plan.ts";
import { BROUGHT, renderDockerfile, TREE } from "../buildpacks/render.ts";
import { labelOf, LANGUAGES } from "../buildpacks/runtimes.ts";
import { openTree } from "../buildpacks/tree.ts";
import { anyOf } from "../buildpacks/versions.ts";
import type { Settings } from "../apps/config.ts";
import { TealError } from "../apps/errors.ts";
import type { Bases } from "./bases.ts";
import { createContext, type ContextRequest } from "./build-context.ts";
import { proxyArguments } from "./build-env.ts";
import { createIgnore } from "./build-ignore.ts";
import { createOutput } from "./build-output.ts";
import { BuildError, type ImageInfo, type Images } from "./engine/images.ts";
import type { Built, Say } from "./ports.ts";

/** `web` is told to listen here, where an image does not say otherwise. */
const DEFAULT_PORT = 5000;

export interface BuildJob {
  app: string;
  deploy: string;
  /** 40 hex digits. */
  commit: string;
  /** The source tree; nothing is written to it. */
  dir: string;
  tag: string;
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
  settings: Pick<Settings, "namespace">;
  env?: NodeJS.ProcessEnv;
}

/** What the engine is given, and how the archive is filled. */
interface Recipe {
  dockerfile: string;
  under: string;
  files: Record<string, string>;
  always: string[];
}

export function createBuilder({
  images,
  bases,
  settings,
  env = process.env,
}: BuilderOptions): Builder {
  const build = async (job: BuildJob): Promise<Built> => {
    const plan = await detect(job.dir);
    for (const warning of plan.warnings) job.say("warn", warning);
    const recipe =
      plan.buildpack === "dockerfile"
        ? await fromDockerfile(plan, job)
        : await fromSource(plan, job);
    const context = await createContext(await contextOf(recipe, job.dir));
    job.say("info", `Sending ${context.files} files (${size(context.bytes)}) to the builder`);
    const output = createOutput((line) => job.say("output", line));
    const image = await images.build({
      context: context.tar,
      dockerfile: recipe.dockerfile,
      tag: job.tag,
      labels: labelsOf(job),
      buildArgs: proxyArguments(env),
      signal: job.signal,
      onLine: output.line,
    });
    return {
      image: image.id,
      imageBytes: image.bytes,
      processes: plan.processes,
      port: portOf(plan, image),
    };
  };

  const fromSource = async (plan: SourcePlan, job: BuildJob): Promise<Recipe> => {
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
      caches: `${settings.namespace}-${job.app}`,
    });
    const brought = Object.entries(plan.files).map(([name, content]) => [
      `${BROUGHT}/${name}`,
      content,
    ]);
    return {
      dockerfile: "Dockerfile",
      under: TREE,
      files: { Dockerfile: text, ...Object.fromEntries(brought) },
      always: [".git", ...plan.leavesOut],
    };
  };

  const fromDockerfile = async (plan: DockerfilePlan, job: BuildJob): Promise<Recipe> => {
    const { signal, say } = job;
    say("info", `App with a ${plan.why}`);
    for (const image of plan.from)
      await bases.ensureNamed(image, (text) => say("info", text), signal);
    return {
      dockerfile: "Dockerfile",
      under: "",
      files: { Dockerfile: plan.dockerfile },
      always: [".git"],
    };
  };

  return {
    build: async (job) => {
      try {
        return await build(job);
      } catch (error) {
        job.signal.throwIfAborted();
        throw buildFailed(error);
      }
    },
  };
}

function keyOf({ name, range }: Runtime): string {
  return `${name} ${range}`;
}

async function contextOf(recipe: Recipe, dir: string): Promise<ContextRequest> {
  const patterns = (await openTree(dir).read(".dockerignore")) ?? "";
  return {
    dir,
    under: recipe.under,
    files: recipe.files,
    ignore: createIgnore(patterns, recipe.always),
  };
}

function labelsOf(job: BuildJob): Record<string, string> {
  return { "org.opencontainers.image.revision": job.commit, "teal.app": job.app };
}

/** A Dockerfile says by EXPOSE where its server listens, unless it names several ports. */
function portOf(plan: Plan, image: ImageInfo): number {
  const [first, ...more] = image.config.exposed;
  return plan.buildpack === "dockerfile" && first !== undefined && more.length === 0
    ? first
    : DEFAULT_PORT;
}

function buildFailed(error: unknown): unknown {
  if (error instanceof PlanError) return failure(`${error.says} ${error.todo}`, error);
  if (!(error instanceof BuildError)) return error;
  const { step } = error;
  if (step === null || step.exitCode === null)
    return failure(step ? `${step.name}: ${step.error}` : error.message, error);
  const last = step.lines.slice(-3).join(" | ");
  return failure(
    `${step.name} ended with exit code ${step.exitCode}${last ? ` (${last})` : ""}`,
    error,
  );
}

function failure(detail: string, cause: Error): TealError {
  return new TealError("build-failed", { detail: detail.replace(/\.$/, "") }, { cause });
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
