import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { TealError } from "./errors.ts";
import { parseRepoUrl } from "./fetch-source.ts";
import { parseImageRef } from "./image-ref.ts";
import { keys } from "./keys.ts";
import type { Secrets } from "./secrets.ts";
import { asking, createScripts } from "./store-scripts.ts";

export const PROVIDERS = [
  ...["github", "gitlab", "gitea", "bitbucket", "standard", "registry", "dockerhub"],
] as const satisfies string[];
export type Provider = (typeof PROVIDERS)[number];

/** The events that deploy, of each. */
const EVENTS: Record<Provider, readonly string[]> = {
  github: ["push", "workflow_run", "check_suite", "release", "registry_package"],
  gitea: ["push", "workflow_run", "release"],
  gitlab: ["push", "pipeline"],
  bitbucket: ["push", "commit_status"],
  standard: ["deploy"],
  registry: ["push"],
  dockerhub: ["push"],
};

/** Who may ask for deploys of one app by webhook, as far as everybody may know. */
export interface Sender {
  id: string;
  app: string;
  provider: Provider;
  /** Only what happens on this branch deploys. */
  branch: string;
  /** Where commits are fetched from; null: from where the webhook says, without credentials. */
  repo: string | null;
  /** Repository of the images that may be deployed, with a glob of tags or without; null: none. */
  image: string | null;
  /** Events that deploy; empty: all that the provider has for it. */
  events: string[];
  /** Globs; a push that changes no file of theirs does not deploy. Empty: all. */
  paths: string[];
  by: string;
  createdAt: number;
}

export interface NewSender {
  provider: Provider;
  branch?: string;
  repo?: string;
  image?: string;
  events?: string[];
  paths?: string[];
  /** For https, `TOKEN` or `USER:PASSWORD`. */
  token?: string;
  /** For ssh, an OpenSSH private key. */
  deployKey?: string;
}

/** What is needed to fetch from the sender's repository. */
export interface Credentials {
  token?: string;
  deployKey?: string;
}

/** What became of one delivery whose signature was good. */
export interface Delivery {
  /** The platform's own id of it; those of old have none. */
  key?: string;
  at: number;
  sender: string;
  /** The sender's own id of it. */
  id: string;
  event: string;
  deploy?: string;
  /** Why it did not deploy. */
  reason?: string;
}

/** Looks at deliveries again. */
export interface Redelivering {
  /**
   * With the sender's settings as they are now; the deploy's record is written before the answer.
   * @throws delivery-gone, sender-not-found, app-not-found, store-unavailable
   */
  redeliver(
    app: string,
    key: string,
    by: string,
  ): Promise<{ deploy: string } | { deploy: null; reason: string }>;
}

/** What came with a delivery, as far as it is needed to look at it again. */
export interface Came {
  headers: Record<string, string>;
  body: string;
}

export interface Senders {
  /** The secret is in this answer and nowhere else. @throws bad-request, bad-image, too-many-senders, app-not-found, app-destroyed */
  add(app: string, wish: NewSender, by: string): Promise<{ sender: Sender; secret: string }>;
  list(app: string): Promise<Sender[]>;
  /** The sender `id`, or all of the app, each with its secret in clear. */
  withSecrets(app: string, id: string | null): Promise<{ sender: Sender; secret: string }[]>;
  credentials(app: string, id: string): Promise<Credentials>;
  /** False when there is no such sender. */
  remove(app: string, id: string): Promise<boolean>;
  /** @param came kept for the newest few, and sealed */
  record(app: string, delivery: Delivery & { key: string }, came: Came): Promise<void>;
  /** What came with a delivery; null when it is kept no more. */
  came(app: string, key: string): Promise<Came | null>;
  /** Newest first. */
  deliveries(app: string, limit?: number): Promise<Delivery[]>;
  /** The deploy that a delivery made, if it is one that was seen before. */
  madeBy(delivery: string): Promise<string | null>;
}

type Kept = Sender & { secret: string; token?: string; deployKey?: string };

/** More are not looked through for the one whose signature fits. */
const MAX_SENDERS = 20;
const MAX_DELIVERIES = 200;
/** Deliveries of which all that came is kept, and how long a body may be then, in UTF-16 units. */
const MAX_CAME = 30;
const LONGEST_CAME = 128 * 1024;
const BRANCH = /^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.+#@=/-]{0,199}$/u;

/** Webhook senders, in the store, with their secrets sealed. */
export function createSenders(redis: Redis, secrets: Secrets): Senders {
  const { run } = createScripts(redis);
  async function keptOf(app: string): Promise<Kept[]> {
    const all = await asking(() => redis.hvals(keys.senders(app)));
    const kept = all.map((json) => read(json));
    return kept.toSorted((a, b) => a.createdAt - b.createdAt);
  }

  async function find(app: string, id: string): Promise<Kept | null> {
    const json = await asking(() => redis.hget(keys.senders(app), id));
    return json ? read(json) : null;
  }

  return {
    async add(app, wish, by) {
      const checked = check(wish);
      const secret = newSecret(wish.provider);
      const sender: Sender = {
        id: randomBytes(6).toString("hex"),
        app,
        ...checked,
        by,
        createdAt: Date.now(),
      };
      const kept: Kept = {
        ...sender,
        secret: secrets.seal(app, nameOf(sender.id, "secret"), secret),
        ...(wish.token && { token: secrets.seal(app, nameOf(sender.id, "token"), wish.token) }),
        ...(wish.deployKey && {
          deployKey: secrets.seal(app, nameOf(sender.id, "key"), wish.deployKey),
        }),
      };
      await run("keep-record", app, "senders", sender.id, JSON.stringify(kept), MAX_SENDERS);
      return { sender, secret };
    },
    list: async (app) => (await keptOf(app)).map(publicPart),
    async withSecrets(app, id) {
      const found = id === null ? await keptOf(app) : [await find(app, id)];
      return found
        .filter((kept) => kept !== null)
        .map((kept) => ({
          sender: publicPart(kept),
          secret: secrets.open(app, nameOf(kept.id, "secret"), kept.secret),
        }));
    },
    async credentials(app, id) {
      const { token, deployKey } = (await find(app, id)) ?? {};
      return {
        ...(token && { token: secrets.open(app, nameOf(id, "token"), token) }),
        ...(deployKey && { deployKey: secrets.open(app, nameOf(id, "key"), deployKey) }),
      };
    },
    remove: async (app, id) => (await asking(() => redis.hdel(keys.senders(app), id))) === 1,
    async record(app, delivery, came) {
      const { key } = delivery;
      const list = keys.deliveries(app);
      const change = redis.multi().lpush(list, JSON.stringify(delivery));
      change.ltrim(list, 0, MAX_DELIVERIES - 1);
      if (came.body.length <= LONGEST_CAME) {
        const sealed = secrets.seal(app, `delivery ${key}`, JSON.stringify(came));
        change.lpush(keys.came(app), `${key} ${sealed}`).ltrim(keys.came(app), 0, MAX_CAME - 1);
      }
      await asking(() => change.exec());
    },
    async came(app, key) {
      const all = await asking(() => redis.lrange(keys.came(app), 0, -1));
      const found = all.find((one) => one.startsWith(`${key} `));
      if (found === undefined) return null;
      const sealed = found.slice(key.length + 1);
      return JSON.parse(secrets.open(app, `delivery ${key}`, sealed)) as Came;
    },
    async deliveries(app, limit = MAX_DELIVERIES) {
      const all = await asking(() => redis.lrange(keys.deliveries(app), 0, limit - 1));
      return all.map((json) => JSON.parse(json) as Delivery);
    },
    madeBy: (delivery) => asking(() => redis.get(keys.delivery(delivery))),
  };
}

/** Those that were kept before there were images have none. */
function read(json: string): Kept {
  const kept = JSON.parse(json) as Kept;
  return { ...kept, image: kept.image ?? null };
}

/** What a sealed secret is bound to, besides the app. */
function nameOf(id: string, what: "secret" | "token" | "key"): string {
  return `sender ${id} ${what}`;
}

/** Standard Webhooks' form, which GitLab wants for its signatures too; for others it is just a text. */
function newSecret(provider: Provider): string {
  // It is part of an address.
  if (provider === "dockerhub") return randomBytes(32).toString("base64url");
  return `whsec_${randomBytes(32).toString("base64")}`;
}

function publicPart({ secret: _secret, token: _token, deployKey: _key, ...sender }: Kept): Sender {
  return sender;
}

function check(wish: NewSender) {
  const {
    provider,
    branch = "main",
    repo,
    image,
    events = [],
    paths = [],
    token,
    deployKey,
  } = wish;
  if (!BRANCH.test(branch) || branch.includes("..")) {
    throw new TealError("bad-request", { detail: "a branch's name was expected" });
  }
  const source = repo === undefined ? null : parseRepoUrl(repo);
  if (!source && (token || deployKey)) {
    throw new TealError("bad-request", {
      detail: "a token or key belongs to one repository, and its URL was expected too",
    });
  }
  if (token && source?.kind === "ssh") {
    throw new TealError("bad-request", {
      detail: "an ssh repository takes a deploy key, no token",
    });
  }
  if (deployKey && source?.kind !== "ssh") {
    throw new TealError("bad-request", { detail: "an https repository takes a token, no key" });
  }
  const unknown = events.find((event) => !EVENTS[provider].includes(event));
  if (unknown !== undefined) {
    const known = EVENTS[provider].join(", ");
    throw new TealError("bad-request", { detail: `${provider} has the events ${known}` });
  }
  if (token && /[^\x21-\x7e]/.test(token)) {
    throw new TealError("bad-request", { detail: "a token of printable characters was expected" });
  }
  const ofImages = provider === "registry" || provider === "dockerhub";
  if (ofImages && (image === undefined || repo !== undefined)) {
    const detail = `a sender of ${provider} takes --image REPOSITORY, and no --repo`;
    throw new TealError("bad-request", { detail });
  }
  if (image !== undefined) checkImage(image);
  const more = { events, paths, image: image ?? null };
  return { provider, branch, repo: source?.url ?? null, ...more };
}

/** A repository as `ghcr.io/ann/shop`, or with a glob of tags as `ghcr.io/ann/shop:v*`. @throws bad-image, bad-request */
function checkImage(image: string): void {
  const [, repository = "", tags = "latest"] = /^(.*?)(?::([^:/]*))?$/.exec(image) ?? [];
  const { digest, registry } = parseImageRef(repository);
  if (digest === undefined && registry !== "" && /^[\w.*?-]{1,128}$/.test(tags)) return;
  throw new TealError("bad-request", {
    detail: "an image's repository was expected, with a tag or a glob of tags behind it",
  });
}
