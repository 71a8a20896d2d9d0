import { text } from "node:stream/consumers";
import type { Notifier, Sent } from "../notifiers.ts";
import type { Input } from "./command.ts";
import { ago, type Cell } from "./output.ts";
import { wrongUsage } from "./parse.ts";

export async function listNotifiers({ app: appOf, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await appOf())}/notifications`;
  const { notifiers } = await (await client()).get<{ notifiers: Notifier[] }>(path);
  if (out.json) return out.value(notifiers);
  if (notifiers.length === 0) return out.line("Nobody is told: 'teal notifications:add' adds one.");
  const rows = notifiers.map((one): Cell[] => [
    one.id,
    one.kind,
    one.host,
    `${ago(one.createdAt)} by ${one.by}`,
    one.events.join(", "),
  ]);
  out.table(["ID", "KIND", "HOST", "ADDED", "EVENTS"], rows);
}

export async function addNotifier({ app: appOf, options, client, out }: Input): Promise<void> {
  const { kind, url, events, token } = options;
  if (!kind || !url) {
    throw wrongUsage("'--kind KIND' and '--url URL' were expected", { name: "notifications:add" });
  }
  const wish = {
    kind,
    // The URL of a chat is a secret, which need not stand in the shell's history.
    url: url === "-" ? (await text(process.stdin)).trim() : url,
    ...(events && { events: String(events).split(",") }),
    ...(token && { token }),
  };
  const path = `/apps/${encodeURIComponent(await appOf())}/notifications`;
  const made = await (
    await client()
  ).post<{ notifier: Notifier; secret: string | null }>(path, wish);
  if (out.json) return out.value(made);
  const { notifier, secret } = made;
  out.line(`${notifier.host} is told of ${notifier.events.join(", ")} (${notifier.id}).`);
  if (secret === null) return;
  out.note("What is sent is signed with this secret, which is shown this once:");
  out.line(secret);
}

export async function removeNotifier({ args, app: appOf, client, out }: Input): Promise<void> {
  const [id = ""] = args;
  const path = `/apps/${encodeURIComponent(await appOf())}/notifications/${encodeURIComponent(id)}`;
  await (await client()).delete(path);
  if (out.json) return out.value({ id, removed: true });
  out.line(`Notifier ${id} is told no more.`);
}

export async function listSent({ app: appOf, client, out }: Input): Promise<void> {
  const path = `/apps/${encodeURIComponent(await appOf())}/notifications/deliveries?limit=20`;
  const { deliveries } = await (await client()).get<{ deliveries: Sent[] }>(path);
  if (out.json) return out.value(deliveries);
  if (deliveries.length === 0) return out.line("Nothing was told yet.");
  const rows = deliveries.map((one): Cell[] => [
    ago(one.at),
    one.notifier,
    one.event,
    one.deploy,
    String(one.attempt),
    one.error ?? `arrived (${one.status})`,
  ]);
  out.table(["WHEN", "NOTIFIER", "EVENT", "DEPLOY", "TRY", "RESULT"], rows);
}
