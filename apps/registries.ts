import type { Redis } from "ioredis";
import { TealError } from "./errors.ts";
import { keys } from "./keys.ts";
import type { Secrets } from "./secrets.ts";
import { asking } from "./store-scripts.ts";

/** Credentials of one image registry, as far as everybody may know. */
export interface RegistryLogin {
  /** `ghcr.io`, `registry.example.com:5000` */
  host: string;
  username: string;
  /** The one address, besides the registry itself, that the password is sent to. */
  realm: string | null;
  by: string;
  createdAt: number;
}

export interface NewLogin {
  host: string;
  username: string;
  password: string;
  realm?: string;
}

export interface Registries {
  /** @throws bad-request */
  login(wish: NewLogin, by: string): Promise<RegistryLogin>;
  list(): Promise<RegistryLogin[]>;
  /** False when there were none. */
  logout(host: string): Promise<boolean>;
  /** With the password in clear; null when nobody has logged in there. */
  open(host: string): Promise<(RegistryLogin & { password: string }) | null>;
}

type Kept = RegistryLogin & { sealed: string };

/** Where well-known registries have their tokens made. */
const REALMS: Record<string, string> = {
  "docker.io": "https://auth.docker.io/token",
  "registry.gitlab.com": "https://gitlab.com/jwt/auth",
};
const HOST = /^[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?(?::\d{1,5})?$/;
/** What a sealed password is bound to in place of an app: no app has such a name. */
const OWNER = "registry:";

/** Logins of the whole platform, with their passwords sealed. */
export function createRegistries(redis: Redis, secrets: Secrets): Registries {
  return {
    async login(wish, by) {
      const host = hostOf(wish.host);
      const realm = wish.realm ?? REALMS[host] ?? null;
      if (realm !== null && !/^https:\/\/[^\s@]+$/.test(realm) && !isLoopback(realm))
        throw bad("a realm that begins with https:// was expected");
      if (!/^[\x21-\x7e]{1,255}$/.test(wish.username) || wish.username.includes(":"))
        throw bad("a user name of printable characters without ':' was expected");
      if (wish.password === "") throw bad("a password was expected, and none came");
      const login: RegistryLogin = {
        host,
        username: wish.username,
        realm,
        by,
        createdAt: Date.now(),
      };
      const kept: Kept = { ...login, sealed: secrets.seal(OWNER, host, wish.password) };
      await asking(() => redis.hset(keys.registries, host, JSON.stringify(kept)));
      return login;
    },
    async list() {
      const all = await asking(() => redis.hvals(keys.registries));
      const logins = all.map((json) => publicPart(JSON.parse(json) as Kept));
      return logins.toSorted((a, b) => (a.host < b.host ? -1 : 1));
    },
    logout: async (host) => (await asking(() => redis.hdel(keys.registries, host))) === 1,
    async open(host) {
      const json = await asking(() => redis.hget(keys.registries, host));
      if (!json) return null;
      const kept = JSON.parse(json) as Kept;
      return { ...publicPart(kept), password: secrets.open(OWNER, host, kept.sealed) };
    },
  };
}

function publicPart({ sealed: _sealed, ...login }: Kept): RegistryLogin {
  return login;
}

/** The names that Docker Hub goes by are one. */
function hostOf(given: string): string {
  const host = given
    .toLowerCase()
    .replace(/^https:\/\//, "")
    .replace(/\/+$/, "");
  if (/^(index\.|registry-1\.)?docker\.io(\/v1)?$/.test(host)) return "docker.io";
  if (HOST.test(host)) return host;
  throw bad("a registry's host such as ghcr.io was expected");
}

/** The engine, too, speaks plain http to a registry on the machine itself. */
export function isLoopback(url: string): boolean {
  return /^http:\/\/(127\.\d+\.\d+\.\d+|localhost)(:\d+)?(\/\S*)?$/.test(url);
}

function bad(detail: string): TealError {
  return new TealError("bad-request", { detail });
}
