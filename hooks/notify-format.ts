import { createHmac } from "node:crypto";
import type { NoticeEvent, OpenNotifier } from "../apps/notifiers.ts";
import type { Deploy } from "../apps/types.ts";
import type { Mail } from "./notify-mail.ts";

export interface Notice {
  /** The same for every try, so that who is told twice can know. */
  id: string;
  event: NoticeEvent;
  deploy: Deploy;
  /** What there is to say beyond the deploy. */
  detail?: string;
  /** Where the app answers, and where people read the deploy's log. */
  urls: { app: string; log: string };
}

export interface Message {
  method: "POST" | "PUT";
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** What is sent to a notifier. @param now ms */
export function format(notifier: OpenNotifier, notice: Notice, now: number): Message | Mail {
  const json = (body: object, more: Partial<Message> = {}): Message => ({
    method: "POST",
    url: notifier.url,
    headers: { "Content-Type": "application/json", "User-Agent": "teal" },
    body: JSON.stringify(body),
    ...more,
  });
  const text = sentence(notice);
  if (notifier.kind === "email") return mail(notifier, notice, text);
  if (notifier.kind === "slack") return json({ text: escapeSlack(text) });
  if (notifier.kind === "discord")
    return json({ content: text.slice(0, 2000), allowed_mentions: { parse: [] } });
  if (notifier.kind === "teams") return json(card(text));
  if (notifier.kind === "matrix") {
    const message = json({ msgtype: "m.text", body: text });
    const headers = { ...message.headers, Authorization: `Bearer ${notifier.secret}` };
    const url = `${notifier.url.replace(/\/$/, "")}/${encodeURIComponent(notice.id)}`;
    return { ...message, method: "PUT", url, headers };
  }
  return signed(json(payload(notice, now)), notifier.secret, notice.id, now);
}

function mail(notifier: OpenNotifier, { id, event, deploy, urls }: Notice, text: string): Mail {
  const about = [`App:    ${deploy.app}`, `Deploy: ${deploy.id}`];
  const lines = [text, "", ...about, `At:     ${urls.app}`, `Log:    ${urls.log}`];
  const subject = `${deploy.app} ${SAYS[event]}`;
  return { server: notifier.url, login: notifier.secret, id, subject, text: lines.join("\r\n") };
}

/** https://www.standardwebhooks.com */
function signed(message: Message, secret: string, id: string, now: number): Message {
  const at = String(Math.floor(now / 1000));
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const mac = createHmac("sha256", key).update(`${id}.${at}.${message.body}`).digest("base64");
  const headers = { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": `v1,${mac}` };
  return { ...message, headers: { ...message.headers, ...headers } };
}

function payload({ event, deploy, urls, detail }: Notice, now: number): object {
  return {
    type: event,
    timestamp: new Date(now).toISOString(),
    data: { deploy, url: urls.app, log: urls.log, ...(detail && { detail }) },
  };
}

const SAYS: Record<NoticeEvent, string> = {
  "deploy.started": "has started",
  "deploy.live": "is live",
  "deploy.held": "is healthy and held",
  "deploy.failed": "failed",
  "deploy.rolled-back": "is rolled back",
  "deploy.cancelled": "was cancelled",
  "deploy.superseded": "was superseded",
  "guard-tripped": "did worse than before and is swapped back",
  "crash-loop": "is in a crash loop",
  "check-failing": "has an instance that fails its liveness check and is left alone",
  "certificate-ends": "has a certificate that ends soon",
  "certificate-failed": "did not get a certificate",
  "disk-low": "is on a machine whose disk is nearly full",
};

/** One line for people. */
function sentence({ event, deploy, urls, detail }: Notice): string {
  const { app, id, commit, why, by, error } = deploy;
  const what = [commit?.slice(0, 7), why].filter(Boolean).join(" ");
  const serves = event === "deploy.live" || event === "deploy.rolled-back";
  const end = serves ? urls.app : (detail ?? error ?? "");
  const line = `${app} ${SAYS[event]} (${id}): ${what}, by ${by}${end && ` – ${end}`}`;
  const said = line.replaceAll(/[\p{Cc}\p{Cf}]+/gu, " ").slice(0, 1200);
  return serves ? said : `${said} ${urls.log}`;
}

/** Otherwise a commit's subject could ping a whole channel. */
function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function card(text: string): object {
  const content = {
    $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
    type: "AdaptiveCard",
    version: "1.4",
    body: [{ type: "TextBlock", text, wrap: true }],
  };
  const contentType = "application/vnd.microsoft.card.adaptive";
  return { type: "message", attachments: [{ contentType, content }] };
}
