import { TealError } from "./errors.ts";

/** The name of an image, as people write it. */
export interface ImageRef {
  /** What the engine is asked for: always with a tag or a digest. */
  text: string;
  /** `ghcr.io`; `docker.io` where none is named; empty for an image's id. */
  registry: string;
  /** The registry is written out. */
  named: boolean;
  /** Within the registry, `ann/shop`. */
  repository: string;
  tag?: string;
  /** `sha256:…` */
  digest?: string;
}

const HOST = String.raw`(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?`;
const PART = String.raw`[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*`;
const REF = new RegExp(
  String.raw`^(?:(${HOST})/)??(${PART}(?:/${PART})*)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$`,
);
const LONGEST = 500;

/** @throws bad-image */
export function parseImageRef(text: string): ImageRef {
  const id = /^sha256:[0-9a-f]{64}$/.exec(text);
  if (id) return { text, registry: "", named: false, repository: "", digest: text };
  const found = text.length <= LONGEST ? REF.exec(text) : null;
  if (!found) throw new TealError("bad-image", { came: text.slice(0, 200) });
  const [, , , tag, digest] = found;
  const bare = (text.split("@", 1)[0] ?? "").replace(/:[^:/]*$/, "");
  const [first = "", ...rest] = bare.split("/");
  // Docker's rule: a first part that could be a host is one.
  const named = rest.length > 0 && (/[.:[]/.test(first) || first === "localhost");
  const path = named ? rest.join("/") : bare;
  const registry = named ? first : "docker.io";
  if (named && !new RegExp(`^${HOST}$`).test(first))
    throw new TealError("bad-image", { came: text });
  const repository = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  return {
    text: tag === undefined && digest === undefined ? `${text}:latest` : text,
    registry,
    named,
    repository,
    ...(digest === undefined ? { tag: tag ?? "latest" } : { digest }),
  };
}
