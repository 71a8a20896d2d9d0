import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { TealError } from "../../apps/errors.ts";
import type { Log } from "../../apps/log.ts";
import { BuildError } from "./build-error.ts";
import type { BuildLimits } from "./build-limits.ts";
import { buildImage, type BuildRequest } from "./image-build.ts";
import { imageInfo, type ImageInfo } from "./image-info.ts";
import { pullImage, type PullOptions } from "./image-pull.ts";
import { retryEngine, statusOf } from "./retry.ts";
import { engineError, reach, readEvents, withSource } from "./streams.ts";

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
  pull(ref: string, options: PullOptions): Promise<void>;
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
      const id = await buildImage(docker, { ...request, labels }, limits);
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
    pull: (ref, how) => pullImage(docker, ref, how),
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

/** The tag begins behind the last colon that no slash follows. */
function splitTag(ref: string): [string, string] {
  const colon = ref.lastIndexOf(":");
  return colon > ref.lastIndexOf("/")
    ? [ref.slice(0, colon), ref.slice(colon + 1)]
    : [ref, "latest"];
}
