import { parseRepoUrl } from "../apps/fetch-source.ts";
import type { NoticeEvent } from "../apps/notifiers.ts";
import type { Credentials, Sender } from "../apps/senders.ts";
import type { Deploy } from "../apps/types.ts";
import type { Message } from "./notify-format.ts";

type State = "pending" | "success" | "failure" | "error";

/** What says nothing about the commit has none. */
const STATES: Partial<Record<NoticeEvent, State>> = {
  "deploy.started": "pending",
  "deploy.held": "pending",
  "deploy.live": "success",
  "deploy.rolled-back": "failure",
  "deploy.failed": "failure",
  "deploy.cancelled": "error",
  "deploy.superseded": "error",
  "guard-tripped": "failure",
  "crash-loop": "failure",
};
const SAYS: Partial<Record<NoticeEvent, string>> = {
  "deploy.started": "The deploy has started",
  "deploy.held": "Healthy, and held",
  "deploy.live": "Live",
  "deploy.rolled-back": "Rolled back",
  "crash-loop": "In a crash loop",
};
const GITLAB: Record<State, string> = {
  pending: "running",
  success: "success",
  failure: "failed",
  error: "canceled",
};
const BITBUCKET: Record<State, string> = {
  pending: "INPROGRESS",
  success: "SUCCESSFUL",
  failure: "FAILED",
  error: "FAILED",
};
/** GitHub takes no longer descriptions. */
const MAX_DESCRIPTION = 140;

/** What is told of a deploy to where its commit came from. */
export interface Told {
  deploy: Deploy;
  event: NoticeEvent;
  /** What there is to say beyond the deploy. */
  detail?: string;
}

/** `shop-7: what happened`, with why, as far as hosts take it. */
export function describe({ deploy, event, detail }: Told): string {
  const said = detail ?? SAYS[event] ?? deploy.error ?? event;
  const whole = event === "crash-loop" && detail ? `${SAYS[event]}: ${detail}` : said;
  const line = `${deploy.id}: ${whole}`.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ");
  return line.length > MAX_DESCRIPTION ? `${line.slice(0, MAX_DESCRIPTION - 1)}…` : line;
}

/**
 * What tells the sender's code host how the deploy of its commit goes; null when the host has no
 * such thing, or there is no token for it.
 * @param url where people read the deploy's log
 */
export function commitStatus(
  sender: Sender,
  credentials: Credentials,
  told: Told,
  url: string,
): Message | null {
  const { deploy } = told;
  const { token } = credentials;
  const state = STATES[told.event];
  if (!sender.repo || !token || !deploy.commit || !state) return null;
  const source = parseRepoUrl(sender.repo);
  if (source.kind === "ssh") return null;
  const { origin } = new URL(source.url);
  const name = nameOf(source.url);
  const secret = secretOf(token);
  const description = describe(told);
  const context = `teal/${deploy.app}`;
  const post = (to: string, headers: Record<string, string>, body: object): Message => ({
    method: "POST",
    url: to,
    headers: { "Content-Type": "application/json", "User-Agent": "teal", ...headers },
    body: JSON.stringify(body),
  });
  if (sender.provider === "gitlab") {
    const to = `${origin}/api/v4/projects/${encodeURIComponent(name)}/statuses/${deploy.commit}`;
    const body = { state: GITLAB[state], name: context, target_url: url, description };
    return post(to, { "PRIVATE-TOKEN": secret }, body);
  }
  if (sender.provider === "bitbucket") {
    const { host } = new URL(source.url);
    // Cloud, and Data Center.
    const to =
      host === "bitbucket.org"
        ? `https://api.bitbucket.org/2.0/repositories/${name}/commit/${deploy.commit}/statuses/build`
        : `${origin}/rest/build-status/1.0/commits/${deploy.commit}`;
    const body = { state: BITBUCKET[state], key: context, name: context, url, description };
    return post(to, { Authorization: bitbucketAuth(token) }, body);
  }
  const body = { state, target_url: url, description, context };
  if (sender.provider === "gitea") {
    const to = `${origin}/api/v1/repos/${name}/statuses/${deploy.commit}`;
    return post(to, { Authorization: `token ${secret}` }, body);
  }
  const github = githubOf(sender, credentials);
  if (!github) return null;
  return post(`${github.repo}/statuses/${deploy.commit}`, github.headers, body);
}

/** Where GitHub's API has the sender's repository, and what opens it; null for other hosts, or without a token. */
export function githubOf(
  sender: Sender,
  { token }: Credentials,
): { repo: string; headers: Record<string, string> } | null {
  if (sender.provider !== "github" || !sender.repo || !token) return null;
  const source = parseRepoUrl(sender.repo);
  if (source.kind === "ssh") return null;
  const { origin, host } = new URL(source.url);
  const base = host === "github.com" ? "https://api.github.com" : `${origin}/api/v3`;
  return {
    repo: `${base}/repos/${nameOf(source.url)}`,
    headers: {
      Accept: "application/vnd.github+json",
      Authorization: `Bearer ${secretOf(token)}`,
      "User-Agent": "teal",
    },
  };
}

/** `OWNER/NAME` */
function nameOf(url: string): string {
  const path = new URL(url).pathname.slice(1);
  return path.replace(/\/$/, "").replace(/\.git$/, "");
}

/** An access token, by itself or as git takes it; or a user's app password. */
function bitbucketAuth(token: string): string {
  const [, user] = /^([^:]+):/.exec(token) ?? [];
  if (user === undefined || user === "x-token-auth") return `Bearer ${secretOf(token)}`;
  return `Basic ${Buffer.from(token).toString("base64")}`;
}

/** Without the user's name. */
function secretOf(token: string): string {
  return token.slice(token.indexOf(":") + 1);
}
