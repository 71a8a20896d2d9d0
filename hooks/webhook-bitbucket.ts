import type { Happening, Nothing } from "./webhook-events.ts";
import { at, commitIn, listAt, textAt } from "./webhook-payload.ts";

/** Events of Bitbucket Cloud, and `repo:refs_changed` of Bitbucket Data Center. */
export function bitbucketEvent(key: string, payload: unknown, branch: string): Happening | Nothing {
  const wanted = `refs/heads/${branch}`;
  if (key === "repo:push") return choose(pushed(payload), wanted);
  if (key === "repo:refs_changed") return choose(changed(payload), wanted);
  if (key === "repo:commit_status_created" || key === "repo:commit_status_updated") {
    return status(payload);
  }
  if (key === "diagnostics:ping") return { event: "ping", reason: "the webhook works" };
  return { event: key.slice(0, 60), reason: "this kind of event deploys nothing" };
}

/** One push may move several branches. The one that is deployed counts, if it is among them. */
function choose(moved: Happening[], wanted: string): Happening | Nothing {
  const chosen = moved.find((one) => one.ref === wanted) ?? moved[0];
  return chosen ?? { event: "push", reason: "no branch was moved" };
}

function pushed(payload: unknown): Happening[] {
  return listAt(payload, "push", "changes").flatMap((change) => {
    const commit = commitIn(change, "new", "target", "hash");
    if (commit === undefined || textAt(change, "new", "type") !== "branch") return [];
    const why = textAt(change, "new", "target", "message") || "push";
    const ref = `refs/heads/${textAt(change, "new", "name")}`;
    return { event: "push", commit, ref, why, ...repoOf(payload) };
  });
}

/** Data Center says where the repository is in several forms; the sender's own URL is used. */
function changed(payload: unknown): Happening[] {
  return listAt(payload, "changes").flatMap((change) => {
    const commit = commitIn(change, "toHash");
    return commit ? { event: "push", commit, ref: textAt(change, "ref", "id"), why: "push" } : [];
  });
}

function status(payload: unknown): Happening | Nothing {
  const event = "commit_status";
  const found = at(payload, "commit_status");
  const state = textAt(found, "state");
  if (state !== "SUCCESSFUL") return { event, reason: `its state is "${state.slice(0, 30)}"` };
  const commit = commitIn(found, "commit", "hash");
  const branch = textAt(found, "refname");
  if (commit === undefined || branch === "") return { event, reason: "it names no branch" };
  const why = textAt(found, "name") || "build passed";
  return { event, commit, ref: `refs/heads/${branch}`, why, ...repoOf(payload) };
}

function repoOf(payload: unknown): Pick<Happening, "repo"> {
  const name = textAt(payload, "repository", "full_name");
  return name === "" ? {} : { repo: { name, url: `https://bitbucket.org/${name}.git` } };
}
