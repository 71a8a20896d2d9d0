import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { TealError } from "./errors.ts";
import { keys } from "./keys.ts";
import type { Secrets } from "./secrets.ts";
import { asking, createScripts } from "./store-scripts.ts";

export const NOTIFIER_KINDS = ["webhook", "slack", "discord", "teams", "matrix", "email"] as const;
export type NotifierKind = (typeof NOTIFIER_KINDS)[number];

export const NOTICE_EVENTS = [
  "deploy.started",
  "deploy.live",
  "deploy.held",
  "deploy.failed",
  "deploy.rolled-back",
  "deploy.cancelled",
  "deploy.superseded",
  "guard-tripped",
  "crash-loop",
  "check-failing",
  "certificate-ends",
  "certificate-failed",
  "disk-low",
] as const;
export type NoticeEvent = (typeof NOTICE_EVENTS)[number];

/** Somebody who is told what happens to one app, as far as everybody may know. */
export interface Notifier {
  id: string;
  app: string;
  kind: NotifierKind;
  /** The host alone: the rest of the URL is often the secret. */
  host: string;
  events: NoticeEvent[];
  by: string;
  createdAt: number;
}

export interface NewNotifier {
  kind: NotifierKind;
  url: string;
  events?: NoticeEvent[];
  /** matrix: the access token; email: `USER:PASSWORD` of the mail server. */
  token?: string;
}

export type OpenNotifier = Notifier & { url: string; secret: string };

/** One try to tell. */
export interface Sent {
  at: number;
  notifier: string;
  event: NoticeEvent;
  deploy: string;
  /** From 1. */
  attempt: number;
  /** The answer's status, if there was one. */
  status?: number;
  /** Why it did not arrive. */
  error?: string;
}

export interface Notifiers {
  /** The secret, of a webhook, signs what is sent; it is in this answer and nowhere else. @throws bad-request, too-many-notifiers, app-not-found, app-destroyed */
  add(
    app: string,
    wish: NewNotifier,
    by: string,
  ): Promise<{ notifier: Notifier; secret: string | null }>;
  list(app: string): Promise<Notifier[]>;
  open(app: string, id: string): Promise<OpenNotifier | null>;
  /** False when there is no such notifier. */
  remove(app: string, id: string): Promise<boolean>;
  record(app: string, sent: Sent): Promise<void>;
  /** Newest first. */
  sent(app: string, limit: number): Promise<Sent[]>;
}

type Kept = Notifier & { url: string; secret: string };

const MAX_NOTIFIERS = 20;
const MAX_SENT = 200;
const DEFAULT_EVENTS: NoticeEvent[] = [
  ...(["deploy.live", "deploy.failed", "deploy.rolled-back"] as const),
  ...(["guard-tripped", "crash-loop", "check-failing"] as const),
  ...(["certificate-ends", "certificate-failed"] as const),
];

/** @param allowPrivate plain http is taken too */
export function createNotifiers(
  redis: Redis,
  secrets: Secrets,
  { allowPrivate }: { allowPrivate: boolean },
): Notifiers {
  const { run } = createScripts(redis);
  async function find(app: string, id: string): Promise<Kept | null> {
    const json = await asking(() => redis.hget(keys.notifiers(app), id));
    return json ? (JSON.parse(json) as Kept) : null;
  }

  return {
    async add(app, wish, by) {
      const url = wish.kind === "email" ? mailUrl(wish.url) : webUrl(wish.url, allowPrivate);
      if (wish.kind === "matrix" && !wish.token) {
        throw new TealError("bad-request", { detail: "matrix takes an access token" });
      }
      const fresh = wish.kind === "webhook" ? `whsec_${randomBytes(32).toString("base64")}` : null;
      const notifier: Notifier = {
        id: randomBytes(6).toString("hex"),
        app,
        kind: wish.kind,
        host: url.host,
        events: wish.events?.length ? wish.events : DEFAULT_EVENTS,
        by,
        createdAt: Date.now(),
      };
      const kept: Kept = {
        ...notifier,
        url: secrets.seal(app, `notifier ${notifier.id} url`, url.href),
        secret: secrets.seal(app, `notifier ${notifier.id} secret`, fresh ?? wish.token ?? ""),
      };
      await run("keep-record", app, "notifiers", notifier.id, JSON.stringify(kept), MAX_NOTIFIERS);
      return { notifier, secret: fresh };
    },
    async list(app) {
      const all = await asking(() => redis.hvals(keys.notifiers(app)));
      const found = all.map((json) => publicPart(JSON.parse(json) as Kept));
      return found.toSorted((a, b) => a.createdAt - b.createdAt);
    },
    async open(app, id) {
      const kept = await find(app, id);
      if (!kept) return null;
      const open = (what: "url" | "secret") =>
        secrets.open(app, `notifier ${id} ${what}`, kept[what]);
      return { ...kept, url: open("url"), secret: open("secret") };
    },
    remove: async (app, id) => (await asking(() => redis.hdel(keys.notifiers(app), id))) === 1,
    async record(app, sent) {
      const change = redis.multi().lpush(keys.sent(app), JSON.stringify(sent));
      await asking(() => change.ltrim(keys.sent(app), 0, MAX_SENT - 1).exec());
    },
    async sent(app, limit) {
      const all = await asking(() => redis.lrange(keys.sent(app), 0, limit - 1));
      return all.map((json) => JSON.parse(json) as Sent);
    },
  };
}

function publicPart({ url: _url, secret: _secret, ...notifier }: Kept): Notifier {
  return notifier;
}

const ADDRESS = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9.-]{1,255}$/i;

/** `smtps://HOST?from=…&to=…` */
function mailUrl(text: string): URL {
  const url = URL.parse(text);
  const from = url?.searchParams.getAll("from") ?? [];
  const to = url?.searchParams.getAll("to") ?? [];
  const known = url && /^smtps?:$/.test(url.protocol) && url.hostname && !url.username;
  const count = from.length === 1 && to.length >= 1 && to.length <= 20;
  if (known && count && [...from, ...to].every((address) => ADDRESS.test(address))) return url;
  const detail = "smtps://HOST?from=teal@example.com&to=ann@example.com was expected, or smtp://";
  throw new TealError("bad-request", { detail });
}

function webUrl(text: string, allowPrivate: boolean): URL {
  const url = URL.parse(text);
  const scheme = url?.protocol === "https:" || (allowPrivate && url?.protocol === "http:");
  if (!url || !scheme || url.username || url.password) {
    throw new TealError("bad-request", { detail: "a URL that begins with https:// was expected" });
  }
  return url;
}
