import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Delivery, Sender } from "../senders.ts";
import type { Input } from "./command.ts";
import { ago, type Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

const KEY_LIMIT = 20_000;

export async function listHooks({ app: appOf, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await appOf())}/hooks`;
  const { hooks } = await (await client()).get<{ hooks: Sender[] }>(path);
  if (out.json) return out.value(hooks);
  if (hooks.length === 0) return out.line("No webhook senders: 'teal hooks:add' adds one.");
  const rows = hooks.map((hook): Cell[] => [
    hook.id,
    hook.provider,
    hook.branch,
    hook.events.join(", ") || "all",
    `${ago(hook.createdAt)} by ${hook.by}`,
    hook.image ?? hook.repo ?? "as the webhook says",
  ]);
  out.table(["ID", "PROVIDER", "BRANCH", "EVENTS", "ADDED", "REPOSITORY"], rows);
}

export async function addHook({ app: appOf, options, client, out }: Input): Promise<void> {
  const { provider, branch, repo, image, events, paths, token, "deploy-key": keyFile } = options;
  if (!provider) throw wrongUsage("'--provider NAME' was expected", { name: "hooks:add" });
  const wish = {
    provider,
    ...(branch && { branch }),
    ...(repo && { repo }),
    ...(image && { image }),
    ...(events && { events: listOf(events) }),
    ...(paths && { paths: listOf(paths) }),
    ...(token && { token: token === "-" ? await readInput() : token }),
    ...(keyFile && { deployKey: await readKey(String(keyFile)) }),
  };
  const path = `/apps/${encodeURIComponent(await appOf())}/hooks`;
  const made = await (
    await client()
  ).post<{ hook: Sender; secret: string; path: string; url: string }>(path, wish);
  if (out.json) return out.value(made);
  out.facts([
    ["sender", made.hook.id],
    ["address", made.url],
    ["secret", made.secret],
  ]);
  out.note("Keep the secret now; it is shown this once.");
}

export async function removeHook({ args, app: appOf, client, out }: Input): Promise<void> {
  const [id = ""] = args;
  const app = await appOf();
  await (await client()).delete(`/apps/${encodeURIComponent(app)}/hooks/${encodeURIComponent(id)}`);
  if (out.json) return out.value({ id, removed: true });
  out.line(`Sender ${id} can ask for deploys of ${app} no more.`);
}

export async function listDeliveries({ app: appOf, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await appOf())}/hooks/deliveries?limit=20`;
  const { deliveries } = await (await client()).get<{ deliveries: Delivery[] }>(path);
  if (out.json) return out.value(deliveries);
  if (deliveries.length === 0) return out.line("Nothing was delivered yet.");
  const rows = deliveries.map((one): Cell[] => [
    ago(one.at),
    one.sender,
    one.event,
    one.deploy ?? "-",
    one.key ?? "-",
    one.id,
    one.reason ?? "",
  ]);
  out.table(["WHEN", "SENDER", "EVENT", "DEPLOY", "KEY", "DELIVERY", "WHY NOT"], rows);
}

export async function redeliver({ app: appOf, client, out, args }: Input): Promise<void> {
  const [key = ""] = args;
  const app = encodeURIComponent(await appOf());
  const path = `/apps/${app}/hooks/deliveries/${encodeURIComponent(key)}/redeliver`;
  const answer = await (await client()).post<{ deploy: string | null; reason?: string }>(path, {});
  if (out.json) return out.value(answer);
  out.line(answer.deploy ? `It asked for ${answer.deploy}.` : `No deploy: ${answer.reason}.`);
}

function listOf(value: string | boolean): string[] {
  return String(value)
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

async function readInput(): Promise<string> {
  return (await text(process.stdin)).trim();
}

/** A private key, which is not repeated in any error. */
async function readKey(file: string): Promise<string> {
  // Over SSH, the files here are the platform's, not the caller's.
  const refused = file !== "-" && Boolean(process.env["TEAL_OVER_SSH"]);
  const key = refused
    ? ""
    : file === "-"
      ? await readInput()
      : await readFile(file, "utf8").catch(() => "");
  if (key.length <= KEY_LIMIT && key.includes("PRIVATE KEY")) return key;
  const detail = "'--deploy-key' takes a file with a private key, or - for standard input";
  throw wrongUsage(detail, { name: "hooks:add" });
}
