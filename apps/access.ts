import { createHash, randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { createAttempts, type Attempts } from "./attempts.ts";
import { type ErrorCode, isTealError } from "./errors.ts";
import { keys } from "./keys.ts";
import {
  type Action,
  checkedScope,
  type Identity,
  identityOf,
  may,
  type Scope,
  scopeOf,
} from "./rights.ts";
import { keepSecret } from "./secret-file.ts";
import { createSshKeys, type SshKeys } from "./ssh-keys.ts";
import { createUses, type Used } from "./uses.ts";
import { createUsers, type Users } from "./users.ts";

export type { Action, Identity, Role, Via } from "./rights.ts";
export type { KeyRecord } from "./ssh-keys.ts";
export type { Used } from "./uses.ts";

/** All that is kept of a token; the secret itself is shown once and never stored. */
export interface TokenRecord extends Scope {
  id: string;
  createdAt: number;
  expiresAt?: number;
  /** Digest of the token that it ends with: a session is under the token that began it. */
  under?: string;
  /** A dashboard's. */
  session?: boolean;
}

export type NewToken = Identity & { ttlMs?: number; under?: string; session?: boolean };

export interface Access extends SshKeys {
  /** @param wish with `under`, the secret of another token: the new one is good only as long as that is */
  createToken(wish: NewToken): Promise<{ id: string; secret: string }>;
  verifyToken(secret: string): Promise<Identity | null>;
  /**
   * As `verifyToken`, for who comes in with it: wrong ones are counted by address, and by account
   * (the name that the client gave, when it is a user's). @throws too-many-tries
   */
  signIn(
    secret: string,
    from: { address: string | null; account?: string },
  ): Promise<Identity | null>;
  /**
   * Whom `prove` finds, of those who come from an OpenID provider. What does not hold up is counted
   * by address, as wrong tokens are. @throws too-many-tries, and what `prove` throws
   */
  vouch(address: string | null, prove: () => Promise<string>): Promise<string>;
  /** Spends an invitation: whom it was for, else null. @throws too-many-tries */
  accept(invitation: string, from: { address: string | null }): Promise<string | null>;
  listTokens(): Promise<(TokenRecord & Used)[]>;
  /** False when there is no such token. */
  revokeToken(id: string): Promise<boolean>;
  /** Ends the token whose secret this is, for who signs out. */
  revokeSecret(secret: string): Promise<void>;
  /** The admin token of `file`, which is made on first use (0600) and known to the store afterwards. */
  ensureAdminToken(file: string): Promise<string>;
  may(identity: Identity, action: Action, app?: string): boolean;
  users: Users;
}

const SECRET = /^teal_[A-Za-z0-9_-]{43}$/;
const UNPROVEN: ErrorCode[] = [
  ...(["sign-in-stale", "sign-in-refused", "sign-in-unproven", "sign-in-unknown"] as const),
];
const LOOPBACK = "127.0.0.1";

/** Who may do what: tokens and SSH keys, in the store. */
export function createAccess(redis: Redis, attempts: Attempts = createAttempts()): Access {
  const users = createUsers(redis);
  const uses = createUses(redis);

  async function readAll<T>(key: string): Promise<[field: string, record: T][]> {
    const all = await redis.hgetall(key);
    return Object.entries(all).map(([field, json]) => [field, JSON.parse(json) as T]);
  }

  /** Forgets tokens that have run out, such as those of commands over SSH. */
  async function currentTokens(): Promise<[string, TokenRecord][]> {
    const all = await readAll<TokenRecord>(keys.tokens);
    const expired = all.filter(([, token]) => isOver(token)).map(([field]) => field);
    if (expired.length > 0) {
      await redis.hdel(keys.tokens, ...expired);
      await uses.forget(...all.filter(([, token]) => isOver(token)).map(([, { id }]) => id));
    }
    return all.filter(([, token]) => !isOver(token));
  }

  async function createToken({ ttlMs, under, session, ...wish }: NewToken) {
    const secret = newSecret();
    const now = Date.now();
    const token: TokenRecord = {
      id: randomBytes(6).toString("hex"),
      ...checkedScope(scopeOf(wish)),
      createdAt: now,
      ...(ttlMs === undefined ? {} : { expiresAt: now + ttlMs }),
      ...(under === undefined ? {} : { under: digest(under) }),
      ...(session && { session }),
    };
    await redis.hset(keys.tokens, digest(secret), JSON.stringify(token));
    // A command over SSH comes from here, with a token that nobody has used yet.
    if (wish.via?.over === "ssh") attempts.passed(secret, { address: LOOPBACK });
    return { id: token.id, secret };
  }

  /** The look-up is by digest: what its timing could tell, it tells of the digest, not of the secret. */
  async function verifyToken(secret: string): Promise<Identity | null> {
    const token = await findToken(secret);
    if (!token) return null;
    uses.note(token.id);
    return standFor(token);
  }

  async function findToken(secret: string): Promise<TokenRecord | null> {
    return SECRET.test(secret) ? findDigest(digest(secret)) : null;
  }

  async function findDigest(field: string): Promise<TokenRecord | null> {
    const json = await redis.hget(keys.tokens, field);
    if (!json) return null;
    const token = JSON.parse(json) as TokenRecord;
    return isOver(token) || (token.under && !(await findDigest(token.under))) ? null : token;
  }

  async function standFor(scope: Scope): Promise<Identity | null> {
    const { user } = scope;
    return identityOf(scope, user === undefined ? null : await users.holder(user));
  }

  async function signIn(secret: string, from: { address: string | null; account?: string }) {
    attempts.check(secret, from);
    const identity = await verifyToken(secret);
    if (identity) attempts.passed(secret, from);
    else attempts.failed({ address: from.address, ...(await knownAccount(from.account)) });
    return identity;
  }

  async function knownAccount(account: string | undefined): Promise<{ account?: string }> {
    return account !== undefined && (await users.get(account)) ? { account } : {};
  }

  async function revokeToken(id: string): Promise<boolean> {
    const found = (await readAll<TokenRecord>(keys.tokens)).find(([, token]) => token.id === id);
    if (!found) return false;
    await uses.forget(id);
    return (await redis.hdel(keys.tokens, found[0])) === 1;
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
    signIn,
    async vouch(address, prove) {
      attempts.check("", { address });
      return prove().catch((error: unknown) => {
        if (isTealError(error, ...UNPROVEN)) attempts.failed({ address });
        throw error;
      });
    },
    async accept(invitation, from) {
      attempts.check(invitation, from);
      const user = await users.accept(invitation);
      if (user === null) attempts.failed(from);
      return user;
    },
    async listTokens() {
      const tokens = (await currentTokens()).map(([, token]) => token);
      return uses.of(tokens, (token) => token.id);
    },
    revokeToken,
    revokeSecret: async (secret) => void (await redis.hdel(keys.tokens, digest(secret))),
    ...createSshKeys(redis, uses, standFor),
    ensureAdminToken,
    may,
    users,
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
