import type { Mount } from "../mounts.ts";
import type { Deploy } from "../types.ts";
import type { Input } from "./command.ts";
import { followChange } from "./deploys.ts";
import { wrongUsage } from "./parse.ts";

export async function listStorage({ app: appOf, client, out }: Input): Promise<void> {
  const app = await appOf();
  const path = `/apps/${encodeURIComponent(app)}/storage`;
  const { mounts } = await (await client()).get<{ mounts: Mount[] }>(path);
  if (out.json) return out.value(mounts);
  if (mounts.length === 0) return out.line(`${app} keeps nothing: 'teal storage:add data:/data'.`);
  out.table(
    ["SOURCE", "TARGET", "PROCESSES", "OVERLAP"],
    mounts.map(({ source, target, processes, exclusive }) => [
      source,
      target,
      processes?.join(", ") ?? "all",
      exclusive ? "no" : "yes",
    ]),
  );
}

export async function addStorage(input: Input): Promise<void> {
  const { args, options } = input;
  const said = options["overlap"];
  if (said !== undefined && said !== "yes" && said !== "no") {
    const expected = `'--overlap yes' or '--overlap no' was expected, and '${String(said)}' came`;
    throw wrongUsage(expected, { name: "storage:add" });
  }
  const processes = String(options["ps"] ?? "")
    .split(",")
    .filter(Boolean);
  const client = await input.client();
  const path = `/apps/${encodeURIComponent(await input.app())}/storage`;
  const overlap = said === undefined ? {} : { overlap: said === "yes" };
  const body = { mount: args[0], ...overlap, processes };
  const { deploy } = await client.post<{ deploy: Deploy | null }>(path, body);
  await followChange(input, client, deploy, "The first version that is pushed has it.");
}

export async function removeStorage(input: Input): Promise<void> {
  const client = await input.client();
  const source = encodeURIComponent(input.args[0] ?? "");
  const path = `/apps/${encodeURIComponent(await input.app())}/storage/${source}`;
  const { deploy } = await client.delete<{ deploy: Deploy | null }>(path);
  await followChange(input, client, deploy, "The first version that is pushed is without it.");
}
