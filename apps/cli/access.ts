import type { Identity } from "../access.ts";
import type { Client } from "./client.ts";
import type { Input } from "./command.ts";
import { ago, type Cell } from "./output.ts";
import { readGiven } from "./given-file.ts";
import { wrongUsage } from "./parse.ts";
import { findServer } from "./server.ts";

type Key = Identity & { fingerprint: string; createdAt: number; lastUsedAt?: number };
type Token = Identity & {
  id: string;
  kind: "token" | "session";
  createdAt: number;
  expiresAt?: number;
  lastUsedAt?: number;
};

const KEY_LIMIT = 20_000;

export async function listKeys({ client, out }: Input): Promise<void> {
  const { keys } = await onOwn(await client(), (api, base) =>
    api.get<{ keys: Key[] }>(`${base}/keys`),
  );
  if (out.json) return out.value(keys);
  if (keys.length === 0) return out.line("No SSH keys: 'teal keys:add NAME FILE' adds one.");
  const rows = keys.map((key): Cell[] => [
    key.user ?? "-",
    key.name,
    key.role,
    appsOf(key),
    ago(key.createdAt),
    key.lastUsedAt ? ago(key.lastUsedAt) : "never",
    key.fingerprint,
  ]);
  out.table(["USER", "NAME", "ROLE", "APPS", "ADDED", "USED", "FINGERPRINT"], rows, 3);
}

export async function addKey({ args, options, client, out }: Input): Promise<void> {
  const [name = "", file = ""] = args;
  const key = await readKey(file);
  const wish = {
    name,
    key,
    ...optional("role", options["role"]),
    ...optional("apps", appsGiven(options["apps"])),
    ...optional("user", options["user"]),
  };
  const added = await onOwn(await client(), (api, base) => api.post<Key>(`${base}/keys`, wish));
  if (out.json) return out.value(added);
  out.line(`${added.name} may push with ${added.fingerprint} (${added.role}, ${appsOf(added)})`);
}

export async function removeKey({ args, client, out }: Input): Promise<void> {
  const fingerprint = args[0] ?? "";
  const path = `/keys/${encodeURIComponent(fingerprint)}`;
  await onOwn(await client(), (api, base) => api.delete(base + path));
  if (out.json) return out.value({ fingerprint, removed: true });
  out.line(`${fingerprint} may push no more.`);
}

export async function listTokens({ client, out }: Input): Promise<void> {
  const { tokens } = await onOwn(await client(), (api, base) =>
    api.get<{ tokens: Token[] }>(`${base}/tokens`),
  );
  if (out.json) return out.value(tokens);
  const rows = tokens.map((token): Cell[] => [
    token.id,
    token.user ?? "-",
    token.name,
    token.role,
    appsOf(token),
    token.kind,
    ago(token.createdAt),
    token.lastUsedAt ? ago(token.lastUsedAt) : "never",
    token.expiresAt
      ? new Date(token.expiresAt).toISOString().slice(0, 16).replace("T", " ")
      : "never",
  ]);
  out.table(["ID", "USER", "NAME", "ROLE", "APPS", "KIND", "MADE", "USED", "ENDS (UTC)"], rows, 4);
}

export async function createToken({ options, client, out }: Input): Promise<void> {
  const { name, role, app, ttl, user } = options;
  if (!name || !role)
    throw wrongUsage("'--name NAME' and '--role ROLE' were expected", { name: "tokens:create" });
  const days = ttl === undefined ? undefined : Number(ttl);
  if (Number.isNaN(days))
    throw wrongUsage(`'--ttl' takes days, and '${ttl}' came`, { name: "tokens:create" });
  const limits = { ...optional("apps", appsGiven(app)), ...optional("ttlDays", days) };
  const wish = { name, role, ...limits, ...optional("user", user) };
  const made = await onOwn(await client(), (api, base) =>
    api.post<{ id: string; secret: string }>(`${base}/tokens`, wish),
  );
  if (out.json) return out.value(made);
  out.note("Keep it now; it is shown this once:");
  out.line(made.secret);
}

export async function revokeToken({ args, client, out }: Input): Promise<void> {
  const id = args[0] ?? "";
  const path = `/tokens/${encodeURIComponent(id)}`;
  await onOwn(await client(), (api, base) => api.delete(base + path));
  if (out.json) return out.value({ id, revoked: true });
  out.line(`Token ${id} has ended.`);
}

export async function whoami({ client, out }: Input): Promise<void> {
  const me = await (await client()).get<Identity>("/whoami");
  const url = process.env["TEAL_OVER_SSH"] || (await findServer(process.env)).url.origin;
  if (out.json) return out.value({ ...me, url });
  out.line(`${me.name} (${me.role}, ${appsOf(me)}) at ${url}`);
}

/** An admin asks about all that there is, a user about what is their own. */
async function onOwn<T>(api: Client, ask: (api: Client, base: string) => Promise<T>): Promise<T> {
  const { role, user } = await api.get<Identity>("/whoami");
  return ask(api, role !== "admin" && user !== undefined ? "/user" : "");
}

function appsOf({ role, apps }: Identity): string {
  return role === "admin" || apps === "*" ? "all apps" : apps.join(", ") || "no apps";
}

function appsGiven(value: string | boolean | undefined): string[] | undefined {
  return typeof value === "string" && value !== "*"
    ? value.split(",").map((app) => app.trim())
    : undefined;
}

function optional<T>(name: string, value: T | undefined): Record<string, T> {
  return value === undefined ? {} : { [name]: value };
}

/** What the file says is not repeated: it might be a private key. */
async function readKey(file: string): Promise<string> {
  const about = { limit: KEY_LIMIT, what: "a public key", command: "keys:add" };
  const text = await readGiven(file, about);
  if (text.length <= KEY_LIMIT && !text.includes("PRIVATE KEY")) return text.trim();
  throw wrongUsage(`${file} is no public key; that is the file that ends in .pub`, {
    name: "keys:add",
  });
}
