import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { TealError } from "../../apps/errors.ts";
import type { Log } from "../../apps/log.ts";
import type { BuildLimits } from "./build-limits.ts";
import { createProgress, type FailedStep } from "./buildkit.ts";
import { retryEngine, statusOf } from "./retry.ts";
import { buildInSession } from "./session.ts";
import { engineError, reach, readEvents, withSource } from "./streams.ts";

export interface ImageConfig {
  /** `NAME=value` lines. */
  env: string[];
  /** TCP ports that the image says it listens on. */
  exposed: number[];
  labels: Record<string, string>;
  hasCommand: boolean;
}

export interface ImageInfo {
  /** `sha256:…` */
  id: string;
  bytes: number;
  tags: string[];
  /** `NAME@sha256:…`, for images that were pulled. */
  digests: string[];
  config: ImageConfig;
}

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
  signal: AbortSignal;
  onLine(text: string): void;
}

/** A build that its own steps ended. */
export class BuildError extends Error {
  readonly step: FailedStep | null;
  /** Bytes that all builds together may use, when this one was killed for want of them. */
  readonly outOf: number | null;

  constructor(message: string, step: FailedStep | null, outOf: number | null = null) {
    super(message);
    this.name = "BuildError";
    this.step = step;
    this.outOf = outOf;
  }
}

export interface Images {
  /**
   * Builds with BuildKit; an aborted signal ends the build in the engine too.
   * @throws BuildError, the signal's reason, TealError no-engine
   */
  build(request: BuildRequest): Promise<ImageInfo>;
  /** Makes an image of a tar archive of a root file system. `changes` are Dockerfile instructions. */
  importTar(tar: Readable, tag: string, changes: string[], signal: AbortSignal): Promise<ImageInfo>;
  /** Null when there is no such image here. `ref` is an id or a tag. */
  inspect(ref: string): Promise<ImageInfo | null>;
  exists(ref: string): Promise<boolean>;
  /** Waits, for a minute at most, until the engine answers. @throws no-engine, the signal's reason */
  awaitEngine(signal: AbortSignal): Promise<void>;
  /** Gives the image a further tag; takes it from another image that has it. */
  tag(ref: string, tag: string): Promise<void>;
  /** Tags here of one repository, e.g. "teal/base/node". */
  tagsOf(repository: string): Promise<string[]>;
  /** Fetches from a registry; gives up when nothing has come for `firstMs`. */
  pull(
    ref: string,
    options: {
      firstMs: number;
      signal: AbortSignal;
      onLine(text: string): void;
      /** Registry credentials, as the engine takes them. */
      auth?: object;
    },
  ): Promise<void>;
  /** Takes a tag away, and the image with its last one. What is not there is removed. */
  remove(ref: string): Promise<void>;
  /** Takes all tags of one repository away. */
  removeTags(repository: string): Promise<void>;
}

type Retry = <T>(call: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Images of the Docker engine. @param options `patienceMs`: how long it may be away, a minute unless said */
export function createImages(
  docker: Docker,
  options: { namespace: string; log: Log; limits?: BuildLimits; patienceMs?: number },
): Images {
  const { namespace, log, limits, patienceMs } = options;
  const retry: Retry = (call, signal) => retryEngine(call, { signal, patienceMs });
  const inspect: Images["inspect"] = async (ref) => {
    try {
      return imageInfo(await retry(() => docker.getImage(ref).inspect()));
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw engineError(error);
    }
  };

  const needed = async (ref: string): Promise<ImageInfo> => {
    const found = await inspect(ref);
    if (found) return found;
    throw new TealError("internal", { detail: `image ${ref} was made and is gone` });
  };

  return {
    inspect,
    build: async (request) => {
      const owner: Record<string, string> = request.shared ? {} : { "teal.platform": namespace };
      const labels = { ...request.labels, ...owner };
      const id = await withSource(request.context, () =>
        bounded(limits, () => build(docker, { ...request, labels })),
      );
      log.debug({ image: id, tag: request.tag }, "image built");
      return needed(id);
    },
    importTar: async (tar, tag, changes, signal) => {
      const [repo, name] = splitTag(tag);
      await withSource(tar, async () => {
        const answer = await reach(signal, () =>
          docker.importImage(tar, { repo, tag: name, changes, abortSignal: signal } as object),
        );
        const failure = await readEvents(answer as Readable, signal, () => {});
        if (failure !== null) throw new BuildError(failure, null);
      });
      return needed(tag);
    },
    tag: async (ref, tag) => {
      const [repo, name] = splitTag(tag);
      await retry(() => docker.getImage(ref).tag({ repo, tag: name }));
    },
    exists: async (ref) => (await inspect(ref)) !== null,
    awaitEngine: async (signal) => {
      await retry(() => docker.ping(), signal);
    },
    tagsOf: (repository) => tagsOf(docker, retry, repository),
    pull: (ref, how) => pull(docker, ref, how),
    remove: (ref) => remove(docker, retry, ref),
    removeTags: async (repository) => {
      for (const tag of await tagsOf(docker, retry, repository)) await remove(docker, retry, tag);
    },
  };
}

async function tagsOf(docker: Docker, retry: Retry, repository: string): Promise<string[]> {
  const filters = { reference: [`${repository}:*`] };
  const found = await retry(() => docker.listImages({ filters }));
  return found
    .flatMap((image) => image.RepoTags ?? [])
    .filter((tag) => tag.startsWith(`${repository}:`));
}

async function remove(docker: Docker, retry: Retry, ref: string): Promise<void> {
  try {
    await retry(() => docker.getImage(ref).remove());
  } catch (error) {
    if (statusOf(error) !== 404) throw engineError(error);
  }
}

async function bounded<T>(limits: BuildLimits | undefined, act: () => Promise<T>): Promise<T> {
  const watch = await limits?.begin();
  try {
    return await act();
  } catch (error) {
    // A process that is killed leaves its shell with 137; what else wanted memory may say so itself.
    const killed = error instanceof BuildError && error.step?.exitCode === 137;
    if (!limits || !killed || !(await watch?.ranOut())) throw error;
    throw new BuildError(error.message, error.step, limits.memory);
  }
}

/** Gives the image's id. */
async function build(docker: Docker, request: BuildRequest): Promise<string> {
  const { signal, dockerfile, labels, context } = request;
  const progress = createProgress(request.onLine);
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
        if (event.id === "moby.buildkit.trace") progress.add(event.aux as string);
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

async function pull(
  docker: Docker,
  ref: string,
  options: Parameters<Images["pull"]>[1],
): Promise<void> {
  const slow = new AbortController();
  const timer = setTimeout(
    () => slow.abort(new Error(`no answer within ${options.firstMs} ms`)),
    options.firstMs,
  );
  const signal = AbortSignal.any([options.signal, slow.signal]);
  try {
    const answer = await reach(signal, () =>
      docker.createImage(options.auth ?? {}, { fromImage: ref, abortSignal: signal }),
    );
    const failure = await readEvents(answer as Readable, signal, (event) => {
      clearTimeout(timer);
      if (typeof event.status === "string" && !event.progress) options.onLine(event.status);
    });
    if (failure !== null) throw new BuildError(failure, null);
  } finally {
    clearTimeout(timer);
  }
}

/** The tag begins behind the last colon that no slash follows. */
function splitTag(ref: string): [string, string] {
  const colon = ref.lastIndexOf(":");
  return colon > ref.lastIndexOf("/")
    ? [ref.slice(0, colon), ref.slice(colon + 1)]
    : [ref, "latest"];
}

function imageInfo(image: Docker.ImageInspectInfo): ImageInfo {
  const { Config: config } = image;
  const ports = Object.keys(config?.ExposedPorts ?? {}).filter((port) => port.endsWith("/tcp"));
  return {
    id: image.Id,
    bytes: image.Size,
    tags: image.RepoTags ?? [],
    digests: image.RepoDigests ?? [],
    config: {
      env: config?.Env ?? [],
      exposed: ports.map((port) => Number.parseInt(port, 10)),
      labels: config?.Labels ?? {},
      hasCommand: Boolean(config?.Cmd?.length || config?.Entrypoint?.length),
    },
  };
}
