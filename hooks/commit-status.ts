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
  "deploy.rolled-back": "success",
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
/** GitHub takes no longer descriptions. */
const MAX_DESCRIPTION = 140;

/**
 * What tells the sender's code host how the deploy of its commit goes; null when the host has no
 * such thing, or there is no token for it.
 * @param url where the app answers
 */
export function commitStatus(
  sender: Sender,
  { token }: Credentials,
  deploy: Deploy,
  event: NoticeEvent,
  url: string,
): Message | null {
  const state = STATES[event];
  if (!sender.repo || !token || !deploy.commit || !state) return null;
  const source = parseRepoUrl(sender.repo);
  if (source.kind === "ssh") return null;
  const { origin, host, pathname } = new URL(source.url);
  const name = pathname
    .slice(1)
    .replace(/\/$/, "")
    .replace(/\.git$/, "");
  const secret = token.slice(token.indexOf(":") + 1);
  const said = SAYS[event] ?? deploy.error ?? event;
  const description = `${deploy.id}: ${said}`.slice(0, MAX_DESCRIPTION);
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
  const path = `repos/${name}/statuses/${deploy.commit}`;
  const body = { state, target_url: url, description, context };
  if (sender.provider === "gitea")
    return post(`${origin}/api/v1/${path}`, { Authorization: `token ${secret}` }, body);
  if (sender.provider !== "github") return null;
  const base = host === "github.com" ? "https://api.github.com" : `${origin}/api/v3`;
  return post(`${base}/${path}`, { Authorization: `Bearer ${secret}` }, body);
}
