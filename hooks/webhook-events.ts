import type { IncomingHttpHeaders } from "node:http";
import type { Provider } from "../apps/senders.ts";
import { bitbucketEvent } from "./webhook-bitbucket.ts";
import { githubEvent } from "./webhook-github.ts";
import { gitlabEvent } from "./webhook-gitlab.ts";
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
  branch: string,
): Happening | Nothing {
  if (provider === "github") return githubEvent(header(headers, "x-github-event"), payload);
  if (provider === "gitlab") return gitlabEvent(payload);
  if (provider === "standard") return standardEvent(payload);
  if (provider === "bitbucket") {
    return bitbucketEvent(header(headers, "x-event-key"), payload, branch);
  }
  const names = ["x-forgejo-event", "x-gitea-event", "x-github-event"];
  return githubEvent(names.map((name) => header(headers, name)).find(Boolean) ?? "", payload);
}

/** `{commit}`, `{ref}` or both, from any CI. A ref without `refs/` is a branch. */
function standardEvent(payload: unknown): Happening | Nothing {
  const event = "deploy";
  const given = textAt(payload, "ref");
  const commit = commitIn(payload, "commit");
  if (at(payload, "commit") !== undefined && commit === undefined) {
    return { event, reason: "a commit is named by all 40 digits of its id, and this one is not" };
  }
  if (commit === undefined && given === "") {
    return { event, reason: 'a body such as {"commit": "…"} or {"ref": "main"} was expected' };
  }
  const ref = given === "" || given.startsWith("refs/") ? given : `refs/heads/${given}`;
  const why = textAt(payload, "why") || textAt(payload, "message") || "asked for by webhook";
  return { event, ref, why, ...(commit && { commit }) };
}
