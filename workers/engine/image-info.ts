import type Docker from "dockerode";

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
