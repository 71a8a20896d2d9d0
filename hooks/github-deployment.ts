import type { NoticeEvent } from "../apps/notifiers.ts";
import type { Outward } from "../apps/outward.ts";
import type { Credentials, Sender } from "../apps/senders.ts";
import { describe, githubOf, type Told } from "./commit-status.ts";
import { ask, type Reply } from "../apps/exchange.ts";

type State = "in_progress" | "pending" | "success" | "failure" | "error" | "inactive";

/** What says nothing about the deployment has none. */
const STATES: Partial<Record<NoticeEvent, State>> = {
  "deploy.started": "in_progress",
  "deploy.held": "pending",
  "deploy.live": "success",
  "deploy.failed": "failure",
  "deploy.cancelled": "inactive",
  "deploy.superseded": "inactive",
  "deploy.rolled-back": "inactive",
  "guard-tripped": "failure",
  "crash-loop": "error",
};

/** A status of a deployment that is GitHub's, and how it is found or made there. */
export interface GithubDeployment {
  /** `https://api.github.com/repos/OWNER/NAME` */
  repo: string;
  headers: Record<string, string>;
  app: string;
  deploy: string;
  commit: string;
  status: { state: State; description: string; log_url: string; environment_url: string };
}

/**
 * What GitHub's list of deployments is to say; null for other hosts, or without a token.
 * @param urls where the app answers, and where the deploy's log is
 */
export function githubDeployment(
  sender: Sender,
  credentials: Credentials,
  told: Told,
  urls: { app: string; log: string },
): GithubDeployment | null {
  const { deploy } = told;
  const state = STATES[told.event];
  const github = githubOf(sender, credentials);
  if (!github || !deploy.commit || !state) return null;
  return {
    ...github,
    app: deploy.app,
    deploy: deploy.id,
    commit: deploy.commit,
    status: {
      state,
      description: describe(told),
      log_url: urls.log,
      environment_url: urls.app,
    },
  };
}

/**
 * Says it, to the deployment that an earlier try or event made, or else to a new one. GitHub itself
 * makes the environment's earlier ones inactive at a success. Gives the status of the last answer.
 * https://docs.github.com/en/rest/deployments
 * @throws private-address, Error
 */
export async function tellGithub(
  outward: Outward,
  { repo, headers, app, deploy, commit, status }: GithubDeployment,
  ms: number,
): Promise<number> {
  const json = { ...headers, "Content-Type": "application/json" };
  const post = (path: string, body: object) =>
    ask(
      outward,
      { method: "POST", url: `${repo}/${path}`, headers: json, body: JSON.stringify(body) },
      { ms },
    );
  const query = new URLSearchParams({ sha: commit, environment: app, per_page: "100" });
  const url = `${repo}/deployments?${query.toString()}`;
  const found = await ask(outward, { method: "GET", url, headers, body: "" }, { ms });
  if (found.status !== 200) return found.status;
  let id = idOf(found, deploy);
  // What never began at GitHub need not end there.
  if (id === null && status.state === "inactive") return found.status;
  if (id === null) {
    const made = await post("deployments", {
      ref: commit,
      environment: app,
      description: deploy,
      payload: { teal: deploy },
      // CI has decided already: nothing is merged, no check is waited for.
      auto_merge: false,
      required_contexts: [],
    });
    if (made.status !== 201) return made.status === 202 ? 409 : made.status;
    id = idOf(made, deploy);
    if (id === null) throw new Error("GitHub's answer names no deployment");
  }
  return (await post(`deployments/${id}/statuses`, status)).status;
}

/** The id of the one that is about `deploy`, in a list or a single answer. */
function idOf({ body }: Reply, deploy: string): number | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new Error("GitHub's answer is not JSON");
  }
  const all = (Array.isArray(parsed) ? parsed : [parsed]) as (Partial<Listed> | null)[];
  const own = all.find((one) => one?.description === deploy);
  return typeof own?.id === "number" ? own.id : null;
}

interface Listed {
  id: unknown;
  description: unknown;
}
