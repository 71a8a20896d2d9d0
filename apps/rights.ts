import { TealError } from "./errors.ts";

/** Who somebody is to the platform, and what that lets them do. */

export type Role = "admin" | "deploy" | "read" | "metrics";
export type Action = "admin" | "push" | "read" | "metrics";
/** What a user may do with an app that is not an admin. */
export type AppRole = "deploy" | "read";

/** The way that somebody came in. */
export interface Via {
  over: "api" | "ssh" | "git" | "dashboard" | "webhook";
  address: string | null;
}

export interface Identity {
  /** The user's; of a token or key that is no user's, its own. */
  name: string;
  role: Role;
  apps: "*" | string[];
  /** Absent: as the connection says. */
  via?: Via;
  user?: string;
  /** Name of the user's token or key. */
  with?: string;
  /** A user's roles, app by app; they are all that counts when present. */
  grants?: Record<string, AppRole>;
  /** What the user's token or key is limited to. */
  scope?: Pick<Scope, "role" | "apps">;
}

/** A token or a key on record: at most so much may be done with it. */
export type Scope = Pick<Identity, "name" | "role" | "apps" | "via" | "user">;

export interface Holder {
  name: string;
  role: "admin" | "member";
  grants: Record<string, AppRole>;
}

const PERMITS: Record<Role, readonly Action[]> = {
  admin: ["admin", "push", "read", "metrics"],
  deploy: ["push", "read"],
  read: ["read"],
  metrics: ["metrics"],
};

const ROLES = Object.keys(PERMITS) as Role[];

/** Whether `identity` may do `action`; without `app`, whether it may at all. */
export function may(identity: Identity, action: Action, app?: string): boolean {
  const { role, apps, grants } = identity;
  if (grants) {
    const some = app === undefined ? Object.values(grants) : [grantOf(grants, app)];
    return some.some((one) => one !== undefined && PERMITS[one].includes(action));
  }
  if (!PERMITS[role].includes(action)) return false;
  return role === "admin" || app === undefined || apps === "*" || apps.includes(app);
}

/** Whom a token or key stands for: its user, with no more than both may. Null when the user is gone. */
export function identityOf(scope: Scope, holder: Holder | null): Identity | null {
  const { name, role, apps, via, user } = scope;
  if (user === undefined) return { name, role, apps, ...(via && { via }) };
  if (!holder || holder.name !== user) return null;
  const who = { name: user, user, with: name, scope: { role, apps }, ...(via && { via }) };
  if (holder.role === "admin") return { ...who, role, apps };
  const grants = narrowed(holder.grants, role, apps);
  const highest = Object.values(grants).includes("deploy") ? "deploy" : "read";
  return { ...who, role: highest, apps: Object.keys(grants), grants };
}

/** The scope of a token that is to do just what this one's token or key does. */
export function scopeOf({ name, role, apps, via, user, with: own, scope }: Identity): Scope {
  const limits = scope ?? { role, apps };
  return { name: own ?? name, ...limits, ...(via && { via }), ...(user !== undefined && { user }) };
}

function grantOf(grants: Record<string, AppRole>, app: string): AppRole | undefined {
  return Object.hasOwn(grants, app) ? grants[app] : undefined;
}

function narrowed(
  grants: Record<string, AppRole>,
  role: Role,
  apps: "*" | string[],
): Record<string, AppRole> {
  if (role === "metrics") return {};
  const kept = Object.entries(grants).filter(([app]) => apps === "*" || apps.includes(app));
  return Object.fromEntries(kept.map(([app, one]) => [app, role === "read" ? "read" : one]));
}

/** A name is printed in logs and release lists, so it stays on its line. @throws bad-request */
export function checkedScope({ name, role, apps, via, user }: Scope): Scope {
  if (!/^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u.test(name)) {
    throw new TealError("bad-request", { detail: "a name is 1 to 64 printable characters" });
  }
  if (!ROLES.includes(role)) {
    const detail = `a role is one of ${ROLES.join(", ")}, and ${role} is not`;
    throw new TealError("bad-request", { detail });
  }
  return { name, role, apps, ...(via && { via }), ...(user !== undefined && { user }) };
}
