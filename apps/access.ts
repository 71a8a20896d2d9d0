import { createHash, randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { TealError } from "./errors.ts";
import { keys } from "./keys.ts";
import { parsePublicKey } from "./public-key.ts";
import { keepSecret } from "./secret-file.ts";

export type Role = "admin" | "deploy" | "read";
export type Action = "admin" | "push" | "read";

/** The way that somebody came in. */
export interface Via {
  over: "api" | "ssh" | "git" | "dashboard" | "webhook";
  address: string | null;
}

export interface Identity {
  name: string;
  role: Role;
  apps: "*" | string[];
  /** Absent: as the connection says. */
  via?: Via;
}

/** All that is kept of a token; the secret itself is shown once and never stored. */
export interface TokenRecord extends Identity {
  id: string;
  createdAt: number;
  expiresAt?: number;
  /** Digest of the token that it ends with: a session is under the token that began it. */
  under?: string;
}

export interface KeyRecord extends Identity {
  /** `SHA256:…`, as `ssh-keygen -l` prints it. */
  fingerprint: string;
  /** `TYPE BASE64` */
  publicKey: string;
  createdAt: number;
}

export type NewToken = Identity & { ttlMs?: number; under?: string };

export interface Access {
  /** @param wish with `under`, the secret of another token: the new one is good only as long as that is */
  createToken(wish: NewToken): Promise<{ id: string; secret: string }>;
  verifyToken(secret: string): Promise<Identity | null>;
  listTokens(): Promise<TokenRecord[]>;
  /** False when there is no such token. */
  revokeToken(id: string): Promise<boolean>;
  /** Ends the token whose secret this is, for who signs out. */
  revokeSecret(secret: string): Promise<void>;
  /** @throws bad-request unless `publicKey` is one line of an OpenSSH public key */
  addKey(wish: Identity & { publicKey: string }): Promise<KeyRecord>;
  findKey(fingerprint: string): Promise<{ identity: Identity; publicKey: string } | null>;
  listKeys(): Promise<KeyRecord[]>;
  /** False when there is no such key. */
  removeKey(fingerprint: string): Promise<boolean>;
  /** The admin token of `file`, which is made on first use (0600) and known to the store afterwards. */
  ensureAdminToken(file: string): Promise<string>;
  may(identity: Identity, action: Action, app?: string): boolean;
}

const SECRET = /^teal_[A-Za-z0-9_-]{43}$/;
const GRANTS: Record<Role, readonly Action[]> = {
  admin: ["admin", "push", "read"],
  deploy: ["push", "read"],
  read: ["read"],
};

/** Whether `identity` may do `action`; without `app`, whether its role may at all. */
function may(identity: Identity, action: Action, app?: string): boolean {
  if (identity.role === "admin") return true;
  if (!GRANTS[identity.role].includes(action)) return false;
  return app === undefined || identity.apps === "*" || identity.apps.includes(app);
}

/** Who may do what: tokens and SSH keys, in the store. */
export function createAccess(redis: Redis): Access {
  async function readAll<T>(key: string): Promise<[field: string, record: T][]> {
    const all = await redis.hgetall(key);
    return Object.entries(all).map(([field, json]) => [field, JSON.parse(json) as T]);
  }

  /** Forgets tokens that have run out, such as those of commands over SSH. */
  async function currentTokens(): Promise<[string, TokenRecord][]> {
    const all = await readAll<TokenRecord>(keys.tokens);
    const expired = all.filter(([, token]) => isOver(token)).map(([field]) => field);
    if (expired.length > 0) await redis.hdel(keys.tokens, ...expired);
    return all.filter(([, token]) => !isOver(token));
  }

  async function createToken({ name, role, apps, via, ttlMs, under }: NewToken) {
    const secret = newSecret();
    const now = Date.now();
    const token: TokenRecord = {
      id: randomBytes(6).toString("hex"),
      ...checked({ name, role, apps }),
      ...(via && { via }),
      createdAt: now,
      ...(ttlMs === undefined ? {} : { expiresAt: now + ttlMs }),
      ...(under === undefined ? {} : { under: digest(under) }),
    };
    await redis.hset(keys.tokens, digest(secret), JSON.stringify(token));
    return { id: token.id, secret };
  }

  /** The look-up is by digest: what its timing could tell, it tells of the digest, not of the secret. */
  async function verifyToken(secret: string): Promise<Identity | null> {
    return SECRET.test(secret) ? verifyDigest(digest(secret)) : null;
  }

  async function verifyDigest(field: string): Promise<Identity | null> {
    const json = await redis.hget(keys.tokens, field);
    if (!json) return null;
    const token = JSON.parse(json) as TokenRecord;
    if (isOver(token) || (token.under && !(await verifyDigest(token.under)))) return null;
    return identityOf(token);
  }

  async function revokeToken(id: string): Promise<boolean> {
    const found = (await readAll<TokenRecord>(keys.tokens)).find(([, token]) => token.id === id);
    return found ? (await redis.hdel(keys.tokens, found[0])) === 1 : false;
  }

  async function addKey(wish: Identity & { publicKey: string }): Promise<KeyRecord> {
    const { fingerprint, publicKey } = parsePublicKey(wish.publicKey);
    const record: KeyRecord = { fingerprint, ...checked(wish), publicKey, createdAt: Date.now() };
    await redis.hset(keys.sshKeys, fingerprint, JSON.stringify(record));
    return record;
  }

  async function findKey(fingerprint: string) {
    const json = await redis.hget(keys.sshKeys, fingerprint);
    if (!json) return null;
    const record = JSON.parse(json) as KeyRecord;
    return { identity: identityOf(record), publicKey: record.publicKey };
  }

  async function ensureAdminToken(file: string): Promise<string> {
    const secret = (
      await keepSecret(
        file,
        () => `${newSecret()}
`,
      )
    ).trim();
    if (!SECRET.test(secret)) {
      throw new Error(
        `${file} was expected to hold the admin token and does not; remove it to have a new one made.`,
      );
    }
    const token: TokenRecord = {
      id: "admin",
      name: "admin",
      role: "admin",
      apps: "*",
      createdAt: Date.now(),
    };
    await redis.hsetnx(keys.tokens, digest(secret), JSON.stringify(token));
    return secret;
  }

  return {
    createToken,
    verifyToken,
    listTokens: async () => (await currentTokens()).map(([, token]) => token).toSorted(byAge),
    revokeToken,
    revokeSecret: async (secret) => void (await redis.hdel(keys.tokens, digest(secret))),
    addKey,
    findKey,
    listKeys: async () =>
      (await readAll<KeyRecord>(keys.sshKeys)).map(([, key]) => key).toSorted(byAge),
    removeKey: async (fingerprint) => (await redis.hdel(keys.sshKeys, fingerprint)) === 1,
    ensureAdminToken,
    may,
  };
}

function newSecret(): string {
  return `teal_${randomBytes(32).toString("base64url")}`;
}

function digest(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function isOver(token: TokenRecord): boolean {
  return token.expiresAt !== undefined && token.expiresAt <= Date.now();
}

function byAge(a: { createdAt: number }, b: { createdAt: number }): number {
  return a.createdAt - b.createdAt;
}

function identityOf({ name, role, apps, via }: Identity): Identity {
  return { name, role, apps, ...(via && { via }) };
}

/** A name is printed in logs and release lists, so it stays on its line. */
function checked({ name, role, apps }: Identity): Identity {
  if (!/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u.test(name)) {
    throw new TealError("bad-request", { detail: "a name is 1 to 64 printable characters" });
  }
  if (!Object.hasOwn(GRANTS, role)) {
    throw new TealError("bad-request", {
      detail: `a role is admin, deploy or read, and ${role} is not`,
    });
  }
  return { name, role, apps };
}
