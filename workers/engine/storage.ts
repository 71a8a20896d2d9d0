import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type Docker from "dockerode";
import { extract } from "tar-stream";
import type { FoundImage } from "../gc-plan.ts";
import { retryEngine, statusOf } from "./retry.ts";
import { engineError } from "./streams.ts";

interface InfoAnswer {
  DockerRootDir: string;
}

export interface EngineStorage {
  /** Images of this platform: by its label, or a tag of its namespace. */
  images(): Promise<FoundImage[]>;
  /** Takes a tag away, or a nameless image; what is not there is gone. @throws Error when it is in use */
  remove(ref: string): Promise<void>;
  /** Of each image's bytes, by its id, those in layers that other images have too. */
  sharedBytes(): Promise<Map<string, number>>;
  /** Bytes of the whole build cache that are in no image. The engine does not say whose builds it is of. */
  cacheBytes(): Promise<number>;
  /** Lets go of the longest unused records until so many bytes are left. Gives the bytes that went. */
  pruneCache(keepBytes: number): Promise<number>;
  /**
   * Text files of an image, by their paths without a leading slash; null: together they are larger
   * than `mostBytes`. Nothing of it is run. @throws Error when there is no such image
   */
  readFiles(
    image: string,
    wanted: (path: string) => boolean,
    mostBytes: number,
  ): Promise<Map<string, string> | null>;
  /** Where the engine keeps images and containers. */
  rootDir(): Promise<string>;
}

/** What the engine keeps on disk, as far as it is this platform's. */
export function createStorage(docker: Docker, namespace: string): EngineStorage {
  return {
    async images() {
      const label = { label: [`teal.platform=${namespace}`] };
      const tagged = { reference: [`${namespace}/*`] };
      const [ours, named, containers] = await Promise.all([
        docker.listImages({ filters: label }),
        docker.listImages({ filters: tagged }),
        docker.listContainers({ all: true }),
      ]).catch((error: unknown) => {
        throw engineError(error);
      });
      const used = new Set(containers.map(({ ImageID }) => ImageID));
      const all = new Map([...ours, ...named].map((image) => [image.Id, image]));
      return [...all.values()].map((image) => {
        const tags = (image.RepoTags ?? []).filter((tag) => tag !== "<none>:<none>");
        const own = tags.filter((tag) => tag.startsWith(`${namespace}/`));
        return {
          id: image.Id,
          tags: own,
          foreign: tags.filter((tag) => !own.includes(tag)),
          bytes: image.Size,
          createdAt: image.Created * 1000,
          used: used.has(image.Id),
        };
      });
    },
    async remove(ref) {
      try {
        await docker.getImage(ref).remove();
      } catch (error) {
        if (statusOf(error) !== 404) throw engineError(error);
      }
    },
    async sharedBytes() {
      const { Images: images } = (await docker.df()) as {
        Images?: { Id: string; SharedSize: number }[] | null;
      };
      // -1 stands for what was not counted.
      return new Map((images ?? []).map(({ Id, SharedSize }) => [Id, Math.max(SharedSize, 0)]));
    },
    async cacheBytes() {
      const { BuildCache: records } = (await docker.df()) as {
        BuildCache?: { Size: number; Shared: boolean }[] | null;
      };
      // What is shared is part of an image, and goes with that one.
      const own = (records ?? []).filter(({ Shared }) => !Shared);
      return own.reduce((sum, { Size }) => sum + Size, 0);
    },
    async pruneCache(keepBytes) {
      const answer = await new Promise<{ SpaceReclaimed?: number }>((resolve, reject) => {
        const request = {
          path: `/build/prune?all=true&keep-storage=${Math.floor(keepBytes)}&`,
          method: "POST",
          statusCodes: { 200: true, 500: "server error" },
        };
        docker.modem.dial(request, (error: Error | null, answered: unknown) => {
          if (error) reject(engineError(error));
          else resolve(answered as { SpaceReclaimed?: number });
        });
      });
      return answer.SpaceReclaimed ?? 0;
    },
    async readFiles(image, wanted, mostBytes) {
      const container = await docker.createContainer({
        Image: image,
        Cmd: ["never-run"],
        Labels: { "teal.platform": namespace },
        NetworkDisabled: true,
      });
      try {
        return await pick((await container.export()) as Readable, wanted, mostBytes);
      } finally {
        await container.remove({ force: true }).catch(() => {});
      }
    },
    async rootDir() {
      const { DockerRootDir } = (await retryEngine(() => docker.info())) as InfoAnswer;
      return DockerRootDir;
    },
  };
}

async function pick(
  archive: Readable,
  wanted: (path: string) => boolean,
  mostBytes: number,
): Promise<Map<string, string> | null> {
  const files = new Map<string, string>();
  let left = mostBytes;
  const tar = extract();
  archive.once("error", (error) => tar.destroy(error));
  for await (const entry of archive.pipe(tar)) {
    const { name, type, size } = entry.header;
    if (type === "file" && wanted(name)) {
      left -= size;
      if (left < 0) return null;
      files.set(name, (await buffer(entry)).toString("utf8"));
    } else entry.resume();
  }
  return files;
}
