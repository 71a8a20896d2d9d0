import { createHash, randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { isTealError, TealError } from "./errors.ts";
import { keys } from "./keys.ts";
import type { Vouched } from "./oidc.ts";
import type { AppRole, Holder } from "./rights.ts";
import { asking, createScripts } from "./store-scripts.ts";

export interface User {
  name: string;
  role: "admin" | "member";
  /** By which a sign-in at an OpenID provider finds them. */
  email?: string;
  /** Whom they are there, from their first sign-in on. */
  openid?: OpenId;
  createdAt: number;
  by: string;
}

interface OpenId {
  issuer: string;
  subject: string;
}

export interface Users {
  /** @throws bad-user-name, user-exists */
  add(wish: Pick<User, "name" | "role" | "email" | "by">): Promise<User>;
  get(name: string): Promise<User | null>;
  /** `null` takes away. @throws user-not-found, identity-taken */
  change(name: string, wish: { email?: string | null; openid?: OpenId | null }): Promise<User>;
  /**
   * The user that an OpenID provider speaks of: by who they are there, else, the first time, by an
   * e-mail address that it has verified. @throws sign-in-unknown
   */
  vouched(by: Vouched): Promise<string>;
  list(): Promise<(User & { apps: Record<string, AppRole> })[]>;
  /** Ends all that they had: tokens, sessions, keys, roles. @throws user-not-found */
  remove(name: string): Promise<void>;
  /** @throws user-not-found, app-not-found */
  grant(name: string, app: string, role: AppRole): Promise<void>;
  /** @throws user-not-found when they had no role there */
  withdraw(name: string, app: string): Promise<void>;
  collaborators(app: string): Promise<{ user: string; role: AppRole }[]>;
  /** What a token or key of theirs is measured by; null when there is no such user. */
  holder(name: string): Promise<Holder | null>;
  /** A secret that lets in once, within a week, whoever shows it. @throws user-not-found */
  invite(name: string): Promise<{ invitation: string; expiresAt: number }>;
  /** Whom it was for; the invitation is spent. Null when it is none, or is spent. */
  accept(invitation: string): Promise<string | null>;
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,38}$/;
const INVITATION = /^tealinvite_[A-Za-z0-9_-]{43}$/;
const INVITED_FOR_S = 7 * 24 * 3600;
/** The token in TEAL_HOME/admin-token goes by this name. */
const RESERVED = "admin";

/** The people of the platform. An admin may do all; a member has a role per app. */
export function createUsers(redis: Redis): Users {
  const { run } = createScripts(redis);

  const get: Users["get"] = async (name) => {
    const json = await asking(() => redis.hget(keys.users, name));
    return json === null ? null : (JSON.parse(json) as User);
  };
  const rolesOf = async (name: string) =>
    (await asking(() => redis.hgetall(keys.userApps(name)))) as Record<string, AppRole>;

  async function all(): Promise<User[]> {
    const found = await asking(() => redis.hvals(keys.users));
    return found
      .map((json) => JSON.parse(json) as User)
      .toSorted((a, b) => a.name.localeCompare(b.name));
  }

  const change: Users["change"] = (name, wish) => write(name, "", wish);

  async function write(
    name: string,
    since: number | "",
    { email, openid }: Parameters<Users["change"]>[1],
    how = "",
  ): Promise<User> {
    const words = [
      email === undefined ? "=" : (email ?? ""),
      openid === undefined ? "=" : openid === null ? "" : JSON.stringify(openid),
    ];
    const [json] = await run("change-user", "*", name, since, ...words, how);
    return JSON.parse(String(json)) as User;
  }

  async function vouched({ issuer, subject, email, emailVerified }: Vouched): Promise<string> {
    const users = await all();
    const known = users.find(
      ({ openid }) => openid?.issuer === issuer && openid.subject === subject,
    );
    if (known) return known.name;
    const unknown = (detail: string) =>
      new TealError("sign-in-unknown", { who: email ?? subject, detail });
    if (email === undefined) throw unknown("it gives no e-mail address");
    if (!emailVerified) throw unknown("it does not say that the e-mail address is yours");
    const [found, ...more] = users.filter(
      (user) => user.email?.toLowerCase() === email.toLowerCase(),
    );
    if (!found) throw unknown("no user has that e-mail address");
    if (more.length > 0) throw unknown("more than one user has that e-mail address");
    await write(found.name, found.createdAt, { openid: { issuer, subject } }, "claim").catch(
      (error: unknown) => {
        throw isTealError(error, "identity-taken", "user-not-found")
          ? unknown("the user with that e-mail address is somebody else there")
          : error;
      },
    );
    return found.name;
  }

  return {
    change,
    vouched,
    async add({ name, role, email, by }) {
      if (!NAME.test(name) || name === RESERVED) throw new TealError("bad-user-name", { name });
      const user: User = { name, role, ...(email && { email }), createdAt: Date.now(), by };
      const added = await asking(() => redis.hsetnx(keys.users, name, JSON.stringify(user)));
      if (added === 0) throw new TealError("user-exists", { name });
      return user;
    },
    get,
    async list() {
      const users = await all();
      return Promise.all(users.map(async (user) => ({ ...user, apps: await rolesOf(user.name) })));
    },
    async remove(name) {
      await run("remove-user", "*", name);
    },
    async grant(name, app, role) {
      await run("grant", app, name, role);
    },
    async withdraw(name, app) {
      const gone = await asking(() => redis.hdel(keys.userApps(name), app));
      if (gone === 0) throw new TealError("user-not-found", { name });
    },
    async collaborators(app) {
      const users = await all();
      const roles = await Promise.all(users.map(({ name }) => rolesOf(name)));
      return users.flatMap(({ name }, i) => {
        const role = roles[i]?.[app];
        return role ? [{ user: name, role }] : [];
      });
    },
    async holder(name) {
      const [user, grants] = await Promise.all([get(name), rolesOf(name)]);
      return user && { name: user.name, role: user.role, grants };
    },
    async invite(name) {
      const user = await get(name);
      if (!user) throw new TealError("user-not-found", { name });
      const invitation = `tealinvite_${randomBytes(32).toString("base64url")}`;
      const key = keys.invitation(digest(invitation));
      // With when the user was added: a later one of the same name is somebody else.
      const guest = `${user.createdAt} ${name}`;
      await asking(() => redis.set(key, guest, "EX", INVITED_FOR_S));
      return { invitation, expiresAt: Date.now() + INVITED_FOR_S * 1000 };
    },
    async accept(invitation) {
      if (!INVITATION.test(invitation)) return null;
      const guest = await asking(() => redis.getdel(keys.invitation(digest(invitation))));
      const [since, name = ""] = (guest ?? "").split(" ");
      const user = await get(name);
      return user && String(user.createdAt) === since ? name : null;
    },
  };
}

function digest(invitation: string): string {
  return createHash("sha256").update(invitation).digest("hex");
}
