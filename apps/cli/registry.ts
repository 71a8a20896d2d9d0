import type { RegistryLogin } from "../registries.ts";
import type { Input } from "./command.ts";
import { readGiven } from "./given-file.ts";
import { ago, type Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

const PASSWORD_LIMIT = 10_000;

export async function listLogins({ client, out }: Input): Promise<void> {
  const { registries } = await (await client()).get<{ registries: RegistryLogin[] }>("/registries");
  if (out.json) return out.value(registries);
  if (registries.length === 0) return out.line("No registry: 'teal registry:login HOST' adds one.");
  const rows = registries.map((one): Cell[] => [
    one.host,
    one.username,
    one.realm ?? one.host,
    one.by,
    ago(one.createdAt),
  ]);
  out.table(["REGISTRY", "USER", "PASSWORD GOES TO", "BY", "WHEN"], rows, 2);
}

export async function login({ args, options, client, out }: Input): Promise<void> {
  const { username, realm } = options;
  const command = "registry:login";
  if (typeof username !== "string")
    throw wrongUsage("'--username NAME' was expected", { name: command });
  const given = { limit: PASSWORD_LIMIT, what: "a password", command };
  const password = (await readGiven("-", given)).replace(/\r?\n$/, "");
  const body = { host: args[0] ?? "", username, password, ...(realm !== undefined && { realm }) };
  const { registry } = await (
    await client()
  ).post<{ registry: RegistryLogin }>("/registries", body);
  if (out.json) return out.value(registry);
  out.line(`Images of ${registry.host} are pulled as ${registry.username}.`);
}

export async function logout({ args, client, out }: Input): Promise<void> {
  const host = args[0] ?? "";
  await (await client()).delete(`/registries/${encodeURIComponent(host)}`);
  if (out.json) return out.value({ host });
  out.line(`Logged out of ${host}.`);
}
