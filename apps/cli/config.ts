import type { ConfigVar } from "../app-config.ts";
import { TealError } from "../errors.ts";
import type { Deploy } from "../types.ts";
import type { Input } from "./command.ts";
import { followChange } from "./deploys.ts";
import { readDotenv, readPairs, writeDotenv } from "./dotenv.ts";
import { readGiven } from "./given-file.ts";
import type { Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

/** In bytes; an app's config may hold less. */
const FILE_LIMIT = 512 * 1024;

export async function listConfig(input: Input): Promise<void> {
  const { options, out } = input;
  const config = await read(input, options["reveal"] === true);
  if (out.json) return out.value(config);
  if (config.length === 0) return out.line("No config: 'teal config:set NAME=VALUE' sets some.");
  const rows = config.map(({ name, value, staged }): Cell[] => [
    name,
    staged ? { text: "next release", paint: "yellow" } : "live",
    value === null ? { text: "(unset)", paint: "grey" } : oneLine(value),
  ]);
  out.table(["NAME", "IN", "VALUE"], rows);
}

export async function getConfig(input: Input): Promise<void> {
  const [name = ""] = input.args;
  const found = (await read(input, true)).find((one) => one.name === name);
  if (!found || found.value === null)
    throw new TealError("config-not-found", { app: await input.app(), name: name.slice(0, 60) });
  if (input.out.json) return input.out.value(found);
  input.out.line(found.value);
}

export async function setConfig(input: Input): Promise<void> {
  await change(input, { set: readPairs(input.args, "config:set") });
}

export async function unsetConfig(input: Input): Promise<void> {
  await change(input, { unset: input.args });
}

export async function importConfig(input: Input): Promise<void> {
  const [file = ""] = input.args;
  const given = { limit: FILE_LIMIT, what: "lines NAME=VALUE", command: "config:import" };
  const text = await readGiven(file, given);
  if (text.length > FILE_LIMIT) {
    throw wrongUsage(`A file of at most ${FILE_LIMIT} bytes was expected, and a larger one came`, {
      name: "config:import",
    });
  }
  const set = readDotenv(text);
  if (Object.keys(set).length === 0) {
    throw wrongUsage("Lines NAME=VALUE were expected, and none came", { name: "config:import" });
  }
  await change(input, { set });
}

/** As a .env file, what is staged included. */
export async function exportConfig(input: Input): Promise<void> {
  const { out } = input;
  const config = (await read(input, true)).filter((one) => one.value !== null);
  if (out.json) {
    return out.value(Object.fromEntries(config.map(({ name, value }) => [name, value])));
  }
  for (const { name, value } of config) out.line(writeDotenv(name, value ?? ""));
}

async function read({ app, client }: Input, reveal: boolean): Promise<ConfigVar[]> {
  const path = `/apps/${encodeURIComponent(await app())}/config?reveal=${reveal ? 1 : 0}`;
  return (await (await client()).get<{ config: ConfigVar[] }>(path)).config;
}

async function change(
  input: Input,
  wish: { set?: Record<string, string>; unset?: string[] },
): Promise<void> {
  const app = await input.app();
  const client = await input.client();
  const restart = input.options["no-restart"] !== true;
  const path = `/apps/${encodeURIComponent(app)}/config`;
  const { deploy } = await client.post<{ deploy: Deploy | null }>(path, { ...wish, restart });
  const names = [...Object.keys(wish.set ?? {}), ...(wish.unset ?? [])].join(", ");
  await followChange(input, client, deploy, `${names}: in the next release of ${app}.`);
}

function oneLine(value: string): string {
  return value.replaceAll("\n", "⏎");
}
