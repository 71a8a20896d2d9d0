import type { Happening, Nothing } from "./webhook-events.ts";
import { at, commitIn, filesOf, listAt, textAt } from "./webhook-payload.ts";

/** GitLab's events say in the body what they are. */
export function gitlabEvent(payload: unknown): Happening | Nothing {
  const event = textAt(payload, "object_kind").slice(0, 60);
  if (event === "push") return push(payload);
  if (event === "pipeline") return pipeline(payload);
  return { event, reason: "this kind of event deploys nothing" };
}

function push(payload: unknown): Happening | Nothing {
  const event = "push";
  const commit = commitIn(payload, "after");
  if (commit === undefined) return { event, reason: "a branch was deleted" };
  const commits = listAt(payload, "commits");
  const created = commitIn(payload, "before") === undefined;
  const files = filesOf(commits, !created && at(payload, "total_commits_count") === commits.length);
  const last = commits.find((one) => textAt(one, "id") === commit);
  const why = textAt(last, "title") || textAt(last, "message") || "push";
  const ref = textAt(payload, "ref");
  return { event, commit, ref, why, ...repoOf(payload), ...(files && { files }) };
}

function pipeline(payload: unknown): Happening | Nothing {
  const event = "pipeline";
  const run = at(payload, "object_attributes");
  const status = textAt(run, "status");
  if (status !== "success") return { event, reason: `its status is "${status.slice(0, 30)}"` };
  const forRequest = at(payload, "merge_request") ?? null;
  if (forRequest !== null || textAt(run, "source").startsWith("merge_request")) {
    return { event, reason: "it is about a merge request, and those are not deployed" };
  }
  const commit = commitIn(run, "sha");
  if (commit === undefined) return { event, reason: "it names no commit" };
  const kind = at(run, "tag") === true ? "tags" : "heads";
  const why = textAt(payload, "commit", "title") || "pipeline passed";
  return { event, commit, ref: `refs/${kind}/${textAt(run, "ref")}`, why, ...repoOf(payload) };
}

function repoOf(payload: unknown): Pick<Happening, "repo"> {
  const name = textAt(payload, "project", "path_with_namespace");
  const url = textAt(payload, "project", "git_http_url");
  return name === "" ? {} : { repo: { name, url } };
}
