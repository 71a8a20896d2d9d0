import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { TealError } from "../../apps/errors.ts";
import { BuildError } from "./build-error.ts";
import type { StepBounds } from "./build-groups.ts";
import type { BuildLimits } from "./build-limits.ts";
import { createProgress } from "./buildkit.ts";
import { createRawProgress } from "./raw-progress.ts";
import { buildInSession } from "./session.ts";
import { reach, readEvents, withSource } from "./streams.ts";

export interface BuildRequest {
  /** A tar archive. */
  context: Readable;
  /** Path of the Dockerfile in the archive. */
  dockerfile: string;
  tag: string;
  labels: Record<string, string>;
  /** It belongs to the machine, and not to this platform alone. */
  shared?: boolean;
  buildArgs?: Record<string, string>;
  /** Stage of the Dockerfile that becomes the image. */
  target?: string;
  /** What RUN steps may mount, by id. No layer, no history and no line has any of it. */
  secrets?: Record<string, string>;
  /** No step is taken from the cache. */
  fresh?: boolean;
  /** All that the builder says, as it says it. */
  verbose?: boolean;
  /** What each step of this build may use; `mark` is found in no other build's environment. */
  steps?: StepBounds & { mark: string };
  signal: AbortSignal;
  onLine(text: string): void;
}

/**
 * Builds with BuildKit, within the bounds for builds, and gives the image's id. The context is closed
 * whatever happens. @throws BuildError, the signal's reason, TealError no-engine
 */
export function buildImage(
  docker: Docker,
  request: BuildRequest,
  limits: BuildLimits | undefined,
): Promise<string> {
  return withSource(request.context, () => bounded(docker, request, limits));
}

async function bounded(
  docker: Docker,
  request: BuildRequest,
  limits: BuildLimits | undefined,
): Promise<string> {
  const watch = await limits?.begin(request.steps);
  try {
    return await build(docker, watch?.looksForMark ? withMark(request) : request);
  } catch (error) {
    // A process that is killed leaves its shell with 137; what else wanted memory may say so itself.
    const killed = error instanceof BuildError && error.step?.exitCode === 137;
    const outOf = killed ? await watch?.ranOut() : null;
    if (!killed || !outOf) throw error;
    throw new BuildError(error.message, error.step, outOf);
  } finally {
    await watch?.end();
  }
}

async function build(docker: Docker, request: BuildRequest): Promise<string> {
  const { signal, dockerfile, labels, context, onLine, verbose } = request;
  const progress = createProgress(verbose ? () => {} : onLine);
  const raw = verbose ? createRawProgress(onLine) : null;
  const query = {
    dockerfile,
    t: request.tag,
    labels,
    buildargs: request.buildArgs ?? {},
    ...(request.target !== undefined && { target: request.target }),
    ...(request.fresh && { nocache: true }),
  };
  let id: string | null = null;
  const failure = await reach(signal, () =>
    buildInSession(docker, query, request.secrets ?? {}, context, signal, (answer) =>
      readEvents(answer, signal, (event) => {
        if (event.id === "moby.buildkit.trace") {
          progress.add(event.aux as string);
          raw?.add(event.aux as string);
        }
        if (event.id === "moby.image.id") id = (event.aux as { ID: string }).ID;
      }),
    ),
  );
  if (failure !== null) throw new BuildError(failure, progress.failed());
  if (id === null) {
    const step = progress.failed();
    if (step) throw new BuildError("the engine ended the build without an image", step);
    throw new TealError("no-engine", { detail: "it ended the build without an image" });
  }
  return id;
}

/** An argument that every RUN gets, and that no step's key in the cache depends on. */
function withMark(request: BuildRequest): BuildRequest {
  const { buildArgs = {}, steps } = request;
  const hosts = buildArgs["NO_PROXY"] ?? buildArgs["no_proxy"];
  const marked = [...(hosts ? [hosts] : []), ...(steps ? [steps.mark] : [])].join(",");
  return { ...request, buildArgs: { ...buildArgs, NO_PROXY: marked } };
}
