import type { Happening, Nothing } from "./webhook-events.ts";
import { packageEvent } from "./webhook-images.ts";
import { at, commitIn, filesOf, listAt, textAt } from "./webhook-payload.ts";

/** GitHub names at most so many commits of a push. */
const MAX_COMMITS = 2048;

/** Events of GitHub, and of Gitea and Forgejo, which speak like it. */
export function githubEvent(event: string, payload: unknown): Happening | Nothing {
  if (event === "push") return push(payload);
  if (event === "workflow_run" || event === "check_suite") return finished(event, payload);
  if (event === "release") return release(payload);
  if (event === "registry_package") return packageEvent(payload);
  if (event === "ping") return { event, reason: "the webhook works" };
  return { event: event.slice(0, 60), reason: "this kind of event deploys nothing" };
}

function push(payload: unknown): Happening | Nothing {
  const event = "push";
  const commit = commitIn(payload, "after");
  if (at(payload, "deleted") === true || commit === undefined) {
    return { event, reason: "a branch was deleted" };
  }
  const commits = listAt(payload, "commits");
  const files = filesOf(commits, isWhole(payload, commits));
  const why = textAt(payload, "head_commit", "message") || "push";
  const ref = textAt(payload, "ref");
  return { event, commit, ref, why, ...repoOf(payload), ...(files && { files }) };
}

/** With a forced push, a new branch or a cut list, the commits named are not all that changed. */
function isWhole(payload: unknown, commits: unknown[]): boolean {
  const total = at(payload, "total_commits") ?? commits.length;
  const fromNothing = commitIn(payload, "before") === undefined || at(payload, "created") === true;
  const forced = at(payload, "forced") === true;
  return !fromNothing && !forced && commits.length === total && commits.length < MAX_COMMITS;
}

/** A `workflow_run` or `check_suite` that CI has ended. */
function finished(event: string, payload: unknown): Happening | Nothing {
  const run = at(payload, event);
  const commit = commitIn(run, "head_sha");
  const branch = textAt(run, "head_branch");
  const conclusion = textAt(run, "conclusion");
  if (textAt(payload, "action") !== "completed") return { event, reason: "it has not ended yet" };
  if (conclusion !== "success") {
    return { event, reason: `it ended with "${conclusion.slice(0, 30)}", not with success` };
  }
  if (isForeign(payload, run)) {
    return { event, reason: "it is about a fork or a pull request, and neither is deployed" };
  }
  if (commit === undefined || branch === "") return { event, reason: "it names no branch" };
  const subject = textAt(run, "head_commit", "message");
  const name = textAt(run, "name") || "CI";
  const why = subject || `${name} passed`;
  return { event, commit, ref: `refs/heads/${branch}`, why, ...repoOf(payload) };
}

/** The branch of a fork may be called main too, so what ran must have run for this repository itself. */
function isForeign(payload: unknown, run: unknown): boolean {
  const own = textAt(payload, "repository", "full_name");
  const head = at(run, "head_repository");
  const byFork = head !== undefined && textAt(head, "full_name") !== own;
  return byFork || textAt(run, "event").startsWith("pull_request");
}

function release(payload: unknown): Happening | Nothing {
  const event = "release";
  const tag = textAt(payload, "release", "tag_name");
  if (textAt(payload, "action") !== "published") return { event, reason: "nothing was published" };
  if (at(payload, "release", "prerelease") === true || at(payload, "release", "draft") === true) {
    return { event, reason: "drafts and pre-releases are not deployed" };
  }
  const why = `release ${textAt(payload, "release", "name") || tag}`;
  return { event, ref: `refs/tags/${tag}`, why, ...repoOf(payload) };
}

function repoOf(payload: unknown): Pick<Happening, "repo"> {
  const name = textAt(payload, "repository", "full_name");
  const url = textAt(payload, "repository", "clone_url");
  return name === "" ? {} : { repo: { name, url } };
}
