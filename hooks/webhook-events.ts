import type { IncomingHttpHeaders } from "node:http";
import { isTealError } from "../apps/errors.ts";
import { parseImageRef } from "../apps/image-ref.ts";
import type { Provider, Sender } from "../apps/senders.ts";
import { bitbucketEvent } from "./webhook-bitbucket.ts";
import { githubEvent } from "./webhook-github.ts";
import { gitlabEvent } from "./webhook-gitlab.ts";
import { registryEvent } from "./webhook-images.ts";
import { at, commitIn, textAt } from "./webhook-payload.ts";
import { header } from "./webhook-signature.ts";

/** Something that a sender says has happened to a commit. */
export interface Happening {
  /** As the sender's settings call it: `push`, `pipeline` … */
  event: string;
  /** Absent: what `ref` stands for when it is fetched. */
  commit?: string;
  /** `refs/heads/…` or `refs/tags/…` */
  ref: string;
  why: string;
  /** The repository that it happened in. */
  repo?: { name: string; url: string };
  /** What changed, where the event says so in full. */
  files?: string[];
  /** An image to run, in place of a commit. */
  image?: string;
  /** Where the source lies as a tar archive, in place of a repository. */
  archive?: string;
}

/** An event that deploys nothing, and why. */
export interface Nothing {
  event: string;
  reason: string;
}

/**
 * What a payload says. `branch` decides where one event is about several. Never throws: a payload
 * that says nothing is Nothing.
 */
export function readEvent(
  provider: Provider,
  headers: IncomingHttpHeaders,
  payload: unknown,
  { branch, image }: Pick<Sender, "branch" | "image">,
): Happening | Nothing {
  if (provider === "registry" || provider === "dockerhub")
    return registryEvent(payload, image ?? "");
  if (provider === "github") return githubEvent(header(headers, "x-github-event"), payload);
  if (provider === "gitlab") return gitlabEvent(payload);
  if (provider === "standard") return standardEvent(payload);
  if (provider === "bitbucket") {
    return bitbucketEvent(header(headers, "x-event-key"), payload, branch);
  }
  const names = ["x-forgejo-event", "x-gitea-event", "x-github-event"];
  return githubEvent(names.map((name) => header(headers, name)).find(Boolean) ?? "", payload);
}

/** `{commit}`, `{ref}` or both, `{image}` or `{tarball_url}`, from any CI. A ref without `refs/` is a branch. */
function standardEvent(payload: unknown): Happening | Nothing {
  const event = "deploy";
  const said = textAt(payload, "why") || textAt(payload, "message");
  const [image, archive] = [textAt(payload, "image"), textAt(payload, "tarball_url")];
  if (image !== "") return standardImage(image, said);
  if (archive !== "")
    return URL.canParse(archive) && archive.length <= 2000
      ? { event, ref: "", archive, why: said || "an archive" }
      : { event, reason: "tarball_url is no address" };
  const given = textAt(payload, "ref");
  const commit = commitIn(payload, "commit");
  if (at(payload, "commit") !== undefined && commit === undefined) {
    return { event, reason: "a commit is named by all 40 digits of its id, and this one is not" };
  }
  if (commit === undefined && given === "") {
    return { event, reason: 'a body such as {"commit": "…"} or {"ref": "main"} was expected' };
  }
  const ref = given === "" || given.startsWith("refs/") ? given : `refs/heads/${given}`;
  return { event, ref, why: said || "asked for by webhook", ...(commit && { commit }) };
}

function standardImage(image: string, said: string): Happening | Nothing {
  const event = "deploy";
  try {
    return { event, ref: "", image: parseImageRef(image).text, why: said || `image ${image}` };
  } catch (error) {
    if (!isTealError(error)) throw error;
    return { event, reason: "image is no name of an image" };
  }
}
