import type { Input } from "./command.ts";
import { ago, type Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

type AppRole = "deploy" | "read";

interface User {
  name: string;
  role: "admin" | "member";
  email?: string;
  openid?: { issuer: string; subject: string };
  createdAt: number;
  by: string;
  apps: Record<string, AppRole>;
}

interface Invitation {
  invitation: string;
  expiresAt: number;
}

export async function listUsers({ client, out }: Input): Promise<void> {
  const { users } = await (await client()).get<{ users: User[] }>("/users");
  if (out.json) return out.value(users);
  if (users.length === 0) return out.line("No users yet: 'teal users:add NAME' adds one.");
  const rows = users.map((user): Cell[] => [
    user.name,
    user.role,
    user.email ?? "-",
    `${ago(user.createdAt)} by ${user.by}`,
    appsOf(user),
  ]);
  out.table(["NAME", "ROLE", "E-MAIL", "ADDED", "APPS"], rows, 4);
}

export async function addUser({ args, options, client, out }: Input): Promise<void> {
  const { role, email } = options;
  const wish = { name: args[0], ...(role && { role }), ...(email && { email }) };
  const made = await (await client()).post<Invitation & { user: User }>("/users", wish);
  if (out.json) return out.value(made);
  out.line(`${made.user.name} is a user (${made.user.role}).`);
  showInvitation(made, out);
}

export async function setUser({ args, options, client, out }: Input): Promise<void> {
  const wish = Object.fromEntries(
    ["email", "subject"].flatMap((name) => {
      const value = options[name];
      return value === undefined ? [] : [[name, value === "none" ? null : value]];
    }),
  );
  if (Object.keys(wish).length === 0)
    throw wrongUsage("--email or --subject was expected", { name: "users:set" });
  const path = `/users/${encodeURIComponent(args[0] ?? "")}`;
  const user = await (await client()).post<User>(path, wish);
  if (out.json) return out.value(user);
  const there = user.openid ? `as ${user.openid.subject} at ${user.openid.issuer}` : "";
  const by = there || (user.email ? `with ${user.email}, the first time` : "not at all");
  out.line(`${user.name} signs in at the OpenID provider ${by}.`);
}

export async function inviteUser({ args, client, out }: Input): Promise<void> {
  const path = `/users/${encodeURIComponent(args[0] ?? "")}/invitation`;
  const made = await (await client()).post<Invitation>(path);
  if (out.json) return out.value(made);
  showInvitation(made, out);
}

export async function removeUser({ args, client, out }: Input): Promise<void> {
  const [name = ""] = args;
  await (await client()).delete(`/users/${encodeURIComponent(name)}`);
  if (out.json) return out.value({ name, removed: true });
  out.line(`${name} is no user any more; their tokens, sessions and keys have ended.`);
}

export async function listAccess({ app: appOf, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await appOf())}/access`;
  const { access } = await (
    await client()
  ).get<{ access: { user: string; role: AppRole }[] }>(path);
  if (out.json) return out.value(access);
  if (access.length === 0) return out.line("Only admins: 'teal access:add USER' lets others in.");
  out.table(
    ["USER", "ROLE"],
    access.map(({ user, role }) => [user, role]),
  );
}

export async function addAccess({ args, app: appOf, options, client, out }: Input): Promise<void> {
  const [user = ""] = args;
  const role = options["role"] ?? "deploy";
  if (role !== "deploy" && role !== "read") {
    throw wrongUsage(`'--role' takes deploy or read, and '${role}' came`, { name: "access:add" });
  }
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/access`;
  const given = await (await client()).post<{ user: string; role: AppRole }>(path, { user, role });
  if (out.json) return out.value(given);
  out.line(`${user} may ${role === "deploy" ? "deploy and change" : "look at"} ${app}.`);
}

export async function removeAccess({ args, app: appOf, client, out }: Input): Promise<void> {
  const [user = ""] = args;
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/access/${encodeURIComponent(user)}`;
  await (await client()).delete(path);
  if (out.json) return out.value({ user, app, removed: true });
  out.line(`${user} has no role with ${app} any more.`);
}

function showInvitation({ invitation, expiresAt }: Invitation, out: Input["out"]): void {
  const until = new Date(expiresAt).toISOString().slice(0, 10);
  out.note(`Good once, until ${until}; they give it to 'teal login URL'. It is shown this once:`);
  out.line(invitation);
}

function appsOf({ role, apps }: User): string {
  if (role === "admin") return "all apps";
  const some = Object.entries(apps).map(([app, one]) => `${app} (${one})`);
  return some.join(", ") || "none";
}
