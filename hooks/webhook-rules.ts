import { createHash } from "node:crypto";
import { isTealError } from "../apps/errors.ts";
import { parseRepoUrl } from "../apps/fetch-source.ts";
import type { Sender } from "../apps/senders.ts";
import { isGoodRef } from "./ref-rules.ts";
import type { Happening } from "./webhook-events.ts";
import { imageRefusal } from "./webhook-images.ts";
import { createMatcher } from "./webhook-paths.ts";
import { header, type Signed } from "./webhook-signature.ts";

/** Why this sender's settings do not let it deploy; null when they do. */
export function refusalOf(sender: Sender, found: Happening): string | null {
  const { event, ref, repo, files, image, archive } = found;
  if (sender.events.length > 0 && !sender.events.includes(event)) {
    return `this sender deploys on ${sender.events.join(", ")}, and this is ${event}`;
  }
  if (image !== undefined) return imageRefusal(sender.image, image);
  if (archive !== undefined)
    return archive.startsWith("http") ? null : "tarball_url begins with https://";
  if (ref !== "" && !isGoodRef(ref)) return "the name of its branch is not taken here";
  const isTag = ref.startsWith("refs/tags/");
  const free = event === "release" || (event === "deploy" && (ref === "" || isTag));
  if (!free && ref !== `refs/heads/${sender.branch}`) {
    return `this sender deploys ${sender.branch}, and this is ${ref}`;
  }
  if (sender.repo !== null && repo && !isSameRepo(sender.repo, repo.name)) {
    return `this sender is for ${sender.repo}, and this is ${oneLine(repo.name)}`;
  }
  if (sender.repo === null && repo && repoUrl({ repo }) === null) {
    return "it does not say where to fetch from; give the sender a --repo";
  }
  if (sender.paths.length > 0 && files && !files.some(createMatcher(sender.paths))) {
    return `it changes nothing of ${sender.paths.join(", ")}`;
  }
  return null;
}

function isSameRepo(url: string, name: string): boolean {
  const bare = url
    .toLowerCase()
    .replace(/\/$/, "")
    .replace(/\.git$/, "");
  return bare.endsWith(`/${name.toLowerCase()}`);
}

/** Where a happening says that its repository is; null when it does not say so in a good form. */
export function repoUrl({ repo }: Pick<Happening, "repo">): string | null {
  try {
    return repo ? parseRepoUrl(repo.url).url : null;
  } catch (error) {
    if (isTealError(error)) return null;
    throw error;
  }
}

/**
 * What makes two deliveries the same. Only what is signed counts, or whoever once saw a delivery
 * could send it again under another id.
 */
export function identityOf({ provider }: Sender, { headers, body }: Signed): string {
  const signedId = provider === "standard" || headers["webhook-signature"] !== undefined;
  const what = signedId ? header(headers, "webhook-id") : body;
  return createHash("sha256").update(what).digest("base64url");
}

const ID_HEADERS = [
  "x-github-delivery",
  "x-forgejo-delivery",
  "x-gitea-delivery",
  "webhook-id",
  "x-gitlab-event-uuid",
  "x-request-uuid",
  "x-request-id",
];

/** The sender's own id, to find it in the sender's list. */
export function deliveryId({ headers }: Signed): string {
  const given = ID_HEADERS.map((name) => header(headers, name)).find((id) => id !== "");
  return oneLine(given ?? "").slice(0, 100);
}

/** A stranger's text: its first line, and nothing that a terminal obeys. */
export function oneLine(text: string): string {
  const [first = ""] = text.trim().split("\n", 1);
  return first
    .replaceAll(/[\p{Cc}\p{Cf}\p{Z}]+/gu, " ")
    .trim()
    .slice(0, 300);
}
