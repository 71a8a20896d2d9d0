import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { TealError } from "../../apps/errors.ts";
import type { Log } from "../../apps/log.ts";
import { createProgress, type FailedStep } from "./buildkit.ts";

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
  config: ImageConfig;
}

export interface BuildRequest {
  /** A tar archive. */
  context: Readable;
  /** Path of the Dockerfile in the archive. */
  dockerfile: string;
  tag: string;
  labels: Record<string, string>;
  buildArgs?: Record<string, string>;
  signal: AbortSignal;
  onLine(text: string): void;
}

/** A build that its own steps ended. */
export class BuildError extends Error {
  readonly step: FailedStep | null;

  constructor(message: string, step: FailedStep | null) {
    super(message);
    this.name = "BuildError";
    this.step = step;
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
  /** Gives the image a further tag; takes it from another image that has it. */
  tag(ref: string, tag: string): Promise<void>;
  /** Tags here of one repository, e.g. "teal/base/node". */
  tagsOf(repository: string): Promise<string[]>;
  /** Fetches from a registry; gives up when nothing has come for `firstMs`. */
  pull(ref: string, options: { firstMs: number; signal: AbortSignal; onLine(text: string): void }): Promise<void>;
  /** Takes a tag away, and the image with its last one. What is not there is removed. */
  remove(ref: string): Promise<void>;
  /** Takes all tags of one repository away. */
  removeTags(repository: string): Promise<void>;
}

/** Images of the Docker engine. */
export function createImages(docker: Docker, { namespace, log }: { namespace: string; log: Log }): Images {
  const inspect: Images["inspect"] = async (ref) => {
    try {
      return imageInfo(await docker.getImage(ref).inspect());
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
      const labels = { ...request.labels, "teal.platform": namespace };
      const id = await withSource(request.context, () => build(docker, { ...request, labels }));
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
      await reach(null, () => docker.getImage(ref).tag({ repo, tag: name }));
    },
    exists: async (ref) => (await inspect(ref)) !== null,
    tagsOf: (repository) => tagsOf(docker, repository),
    pull: (ref, options) => pull(docker, ref, options),
    remove: (ref) => remove(docker, ref),
    removeTags: async (repository) => {
      for (const tag of await tagsOf(docker, repository)) await remove(docker, tag);
    },
  };
}

async function tagsOf(docker: Docker, repository: string): Promise<string[]> {
  const filters = { reference: [`${repository}:*`] };
  const found = await reach(null, () => docker.listImages({ filters }));
  return found.flatMap((image) => image.RepoTags ?? []).filter((tag) => tag.startsWith(`${repository}:`));
}

async function remove(docker: Docker, ref: string): Promise<void> {
  try {
    await docker.getImage(ref).remove();
  } catch (error) {
    if (statusOf(error) !== 404) throw engineError(error);
  }
}

/** Gives the image's id. */
async function build(docker: Docker, request: BuildRequest): Promise<string> {
  const { signal } = request;
  const progress = createProgress(request.onLine);
  const answer = await reach(signal, () =>
    docker.buildImage(request.context, {
      version: "2",
      dockerfile: request.dockerfile,
      t: request.tag,
      labels: request.labels,
      buildargs: request.buildArgs ?? {},
      abortSignal: signal,
    }),
  );
  let id: string | null = null;
  const failure = await readEvents(answer as Readable, signal, (event) => {
    if (event.id === "moby.buildkit.trace") progress.add(String(event.aux ?? ""));
    if (event.id === "moby.image.id") id = (event.aux as { ID: string }).ID;
  });
  if (failure !== null) throw new BuildError(failure, progress.failed());
  if (id === null) throw new BuildError("the engine ended the build without an image", progress.failed());
  return id;
}

/** What broke the source says more than what that did to the connection. Whatever happens, the source is closed. */
async function withSource<T>(source: Readable, act: () => Promise<T>): Promise<T> {
  let broken: Error | null = null;
  source.once("error", (error: Error) => (broken = error));
  try {
    return await act();
  } catch (error) {
    throw broken ?? error;
  } finally {
    source.on("error", () => {});
    source.destroy();
  }
}

async function pull(docker: Docker, ref: string, options: Parameters<Images["pull"]>[1]): Promise<void> {
  const slow = new AbortController();
  const timer = setTimeout(() => slow.abort(new Error(`no answer within ${options.firstMs} ms`)), options.firstMs);
  const signal = AbortSignal.any([options.signal, slow.signal]);
  try {
    const answer = await reach(signal, () => docker.createImage({ fromImage: ref, abortSignal: signal }));
    const failure = await readEvents(answer as Readable, signal, (event) => {
      clearTimeout(timer);
      if (typeof event.status === "string" && !event.progress) options.onLine(event.status);
    });
    if (failure !== null) throw new BuildError(failure, null);
  } finally {
    clearTimeout(timer);
  }
}

interface EngineEvent {
  id?: string;
  aux?: unknown;
  error?: string;
  status?: string;
  progress?: string;
}

/** Reads an answer of JSON lines to its end. Gives the engine's error, or null. */
async function readEvents(
  answer: Readable,
  signal: AbortSignal,
  onEvent: (event: EngineEvent) => void,
): Promise<string | null> {
  let failure: string | null = null;
  const take = (line: string): void => {
    if (line.trim() === "") return;
    const event = JSON.parse(line) as EngineEvent;
    if (event.error) failure = event.error;
    else onEvent(event);
  };
  await reach(signal, async () => {
    let rest = "";
    for await (const chunk of answer.setEncoding("utf8")) {
      const lines = (rest + String(chunk)).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(take);
    }
    take(rest);
  });
  signal.throwIfAborted();
  return failure;
}

/** Errors of the connection become `no-engine`; an aborted signal's reason comes before all. */
async function reach<T>(signal: AbortSignal | null, act: () => Promise<T>): Promise<T> {
  try {
    signal?.throwIfAborted();
    return await act();
  } catch (error) {
    signal?.throwIfAborted();
    throw engineError(error);
  }
}

function engineError(error: unknown): Error {
  const { code, message } = error as NodeJS.ErrnoException;
  const gone = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EACCES", "EPIPE"].includes(code ?? "");
  return gone ? new TealError("no-engine", { detail: message }, { cause: error }) : (error as Error);
}

function statusOf(error: unknown): number | undefined {
  return (error as { statusCode?: number }).statusCode;
}

/** The tag begins behind the last colon that no slash follows. */
function splitTag(ref: string): [string, string] {
  const colon = ref.lastIndexOf(":");
  return colon > ref.lastIndexOf("/") ? [ref.slice(0, colon), ref.slice(colon + 1)] : [ref, "latest"];
}

function imageInfo(image: Docker.ImageInspectInfo): ImageInfo {
  const { Config: config } = image;
  const ports = Object.keys(config?.ExposedPorts ?? {}).filter((port) => port.endsWith("/tcp"));
  return {
    id: image.Id,
    bytes: image.Size,
    tags: image.RepoTags ?? [],
    config: {
      env: config?.Env ?? [],
      exposed: ports.map((port) => Number.parseInt(port, 10)),
      labels: config?.Labels ?? {},
      hasCommand: Boolean(config?.Cmd?.length || config?.Entrypoint?.length),
    },
  };
}
