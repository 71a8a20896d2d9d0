import type { Deploy } from "../types.ts";
import type { Input } from "./command.ts";
import { followChange } from "./deploys.ts";
import type { Cell } from "./output.ts";

export async function listDomains({ app: appOf, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await appOf())}/domains`;
  const answer = await (await client()).get<{ platform: string; domains: string[] }>(path);
  if (out.json) return out.value(answer);
  const rows = answer.domains.map((host): Cell[] => [host, "added"]);
  out.table(["DOMAIN", "FROM"], [[answer.platform, "the platform"], ...rows], 0);
}

export async function addDomain(input: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await input.app())}/domains`;
  const client = await input.client();
  const { host, deploy } = await client.post<Changed>(path, { host: input.args[0] });
  await followChange(input, client, deploy, `${host} is kept for the app's first version.`);
}

export async function removeDomain(input: Input): Promise<void> {
  const app = encodeURIComponent(await input.app());
  const client = await input.client();
  const path = `/apps/${app}/domains/${encodeURIComponent(input.args[0] ?? "")}`;
  const { host, deploy } = await client.delete<Changed>(path);
  await followChange(input, client, deploy, `${host} is free.`);
}

interface Changed {
  host: string;
  deploy: Deploy | null;
}
