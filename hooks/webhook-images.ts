import { isTealError } from "../apps/errors.ts";
import { parseImageRef } from "../apps/image-ref.ts";
import type { Sender } from "../apps/senders.ts";
import type { Happening, Nothing } from "./webhook-events.ts";
import { at, listAt, textAt } from "./webhook-payload.ts";
import { createMatcher } from "./webhook-paths.ts";

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** A container that GitHub's registry has got: `registry_package`, published. */
export function packageEvent(payload: unknown): Happening | Nothing {
  const event = "registry_package";
  const found = at(payload, "registry_package");
  const version = at(found, "package_version");
  const tag = at(version, "container_metadata", "tag");
  const name = `${textAt(found, "namespace")}/${textAt(found, "name")}`;
  if (textAt(payload, "action") !== "published") return { event, reason: "nothing was published" };
  if (textAt(found, "package_type").toLowerCase() !== "container")
    return { event, reason: "it is about a package that is no image" };
  return pushed(event, `ghcr.io/${name}`, textAt(tag, "name"), textAt(tag, "digest"));
}

/** Docker Hub's webhook, and the notifications of Distribution (also Harbor's and GitLab's own registry). */
export function registryEvent(payload: unknown, image: string): Happening | Nothing {
  const event = "push";
  const hub = textAt(payload, "repository", "repo_name");
  if (hub !== "") return pushed(event, `docker.io/${hub}`, textAt(payload, "push_data", "tag"), "");
  const registry = image.split("/", 1)[0] ?? "";
  const all = listAt(payload, "events");
  const tags = all.filter(
    (one) => textAt(one, "action") === "push" && textAt(one, "target", "tag"),
  );
  // Layers and manifests of one push come as events of their own; the tag is what people mean.
  const found = tags.map((one) => {
    const target = at(one, "target");
    const name = `${registry}/${textAt(target, "repository")}`;
    return pushed(event, name, textAt(target, "tag"), textAt(target, "digest"));
  });
  const wanted = found.find(
    (one) => "image" in one && imageRefusal(image, one.image ?? "") === null,
  );
  return wanted ?? found[0] ?? { event, reason: "it names no image that was pushed with a tag" };
}

function pushed(event: string, name: string, tag: string, digest: string): Happening | Nothing {
  const exact = DIGEST.test(digest) ? `@${digest}` : "";
  try {
    const { text } = parseImageRef(`${name}${tag ? `:${tag}` : ""}${exact}`);
    return { event, ref: "", image: text, why: `image ${name}${tag ? `:${tag}` : ""}` };
  } catch (error) {
    if (!isTealError(error)) throw error;
    return { event, reason: "it names no image" };
  }
}

/**
 * Why a sender for `wanted` (a repository, with a glob of tags or without) deploys no such image;
 * null when it does. Whoever has its secret can have nothing else run.
 */
export function imageRefusal(wanted: Sender["image"], image: string): string | null {
  if (wanted === null) return "this sender deploys no images; add one with --image REPOSITORY";
  const [, repository = "", tags] = /^(.*?)(?::([^:/]*))?$/.exec(wanted) ?? [];
  const given = parseImageRef(image);
  const own = parseImageRef(repository);
  const same = given.registry === own.registry && given.repository === own.repository;
  if (!same) return `this sender is for ${repository}, and this is ${image.split("@", 1)[0]}`;
  const tag = /:([^:/@]*)(?:@|$)/.exec(image)?.[1] ?? "";
  if (tags !== undefined && !createMatcher([tags])(tag))
    return `this sender deploys the tag ${tags}, and this is ${tag || "none"}`;
  return null;
}
