import { createHmac, randomUUID } from "node:crypto";
import type { NewSender, Sender } from "../../apps/senders.ts";
import type { TestApi } from "./api.ts";

/** A webhook as a provider sends it: signed, with its headers. */
export interface Sending {
  event?: string;
  id?: string;
  /** Standard Webhooks: seconds since the epoch. */
  at?: number;
  headers?: Record<string, string>;
}

export interface Hook {
  sender: Sender;
  secret: string;
  path: string;
}

export async function addHook(api: TestApi, app: string, wish: NewSender): Promise<Hook> {
  const { sender, secret } = await api.senders.add(app, wish, "ann");
  const key = wish.provider === "dockerhub" ? `/${secret}` : "";
  return { sender, secret, path: `/hooks/${app}/${sender.id}${key}` };
}

const hex = (secret: string, body: string) =>
  createHmac("sha256", secret).update(body).digest("hex");

/** Standard Webhooks' signature. */
function signStandard(secret: string, id: string, at: number, body: string): string {
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  return `v1,${createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64")}`;
}

/** The headers that the provider would send with `body`. */
export function headersOf(hook: Hook, body: string, sending: Sending = {}): Record<string, string> {
  const { event = "push", id = randomUUID(), at = Math.floor(Date.now() / 1000) } = sending;
  const { secret } = hook;
  const own: Record<Sender["provider"], () => Record<string, string>> = {
    github: () => ({
      "X-GitHub-Event": event,
      "X-GitHub-Delivery": id,
      "X-Hub-Signature-256": `sha256=${hex(secret, body)}`,
    }),
    gitea: () => ({
      "X-Gitea-Event": event,
      "X-Gitea-Delivery": id,
      "X-Gitea-Signature": hex(secret, body),
    }),
    gitlab: () => ({
      "X-Gitlab-Event": event,
      "X-Gitlab-Event-UUID": id,
      "X-Gitlab-Token": secret,
    }),
    bitbucket: () => ({
      "X-Event-Key": event,
      "X-Request-UUID": id,
      "X-Hub-Signature": `sha256=${hex(secret, body)}`,
    }),
    standard: () => ({
      "webhook-id": id,
      "webhook-timestamp": String(at),
      "webhook-signature": signStandard(secret, id, at, body),
    }),
    registry: () => ({ Authorization: `Bearer ${secret}` }),
    dockerhub: () => ({}),
  };
  return { "Content-Type": "application/json", ...own[hook.sender.provider](), ...sending.headers };
}

/** Delivers a payload (an object becomes JSON) and gives status and answer. */
export async function deliver(
  api: { url: string },
  hook: Hook,
  payload: unknown,
  sending: Sending = {},
) {
  const body = typeof payload === "string" ? payload : JSON.stringify(payload);
  const began = performance.now();
  const response = await fetch(api.url + hook.path, {
    method: "POST",
    headers: headersOf(hook, body, sending),
    body,
    signal: AbortSignal.timeout(20_000),
  });
  const text = await response.text();
  const ms = performance.now() - began;
  return { status: response.status, json: text ? JSON.parse(text) : null, ms };
}

/** A push of GitHub's and Gitea's to main. */
export function pushPayload(commit: string, more: object = {}) {
  const full_name = "ann/shop";
  return {
    ref: "refs/heads/main",
    before: "1".repeat(40),
    after: commit,
    repository: { full_name, clone_url: "https://git.example.com/ann/shop.git" },
    commits: [{ id: commit, added: [], removed: [], modified: ["src/a.js"] }],
    head_commit: { id: commit, message: "Make it better\n\nMuch." },
    ...more,
  };
}
