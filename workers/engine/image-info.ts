import type Docker from "dockerode";

/** `web` is told to listen here, where an image does not say otherwise. */
export const DEFAULT_PORT = 5000;

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

/** What the engine tells of an image, as far as it matters here. */
export function imageInfo(image: Docker.ImageInspectInfo): ImageInfo {
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

/** An image says by EXPOSE where its server listens. Null when it says nothing, or names several ports. */
export function exposedPort({ config }: Pick<ImageInfo, "config">): number | null {
  const [first, ...more] = config.exposed;
  return first !== undefined && more.length === 0 ? first : null;
}
