import type { AuditEvent } from "../audit.ts";
import type { Input } from "./command.ts";
import { readLimit } from "./deploys.ts";
import { ago, type Cell, type Output } from "./output.ts";

/** Without `--app`, those of all apps that the caller may see, even in an app's clone. */
export async function listEvents({ options, client, out }: Input): Promise<void> {
  const api = await client();
  const app = options["app"];
  const path = typeof app === "string" ? `/apps/${encodeURIComponent(app)}/events` : "/events";
  const limit = readLimit(options, "events");
  const { events } = await api.get<{ events: AuditEvent[] }>(`${path}?limit=${limit}`);
  if (!options["follow"]) {
    if (out.json) return out.value(events);
    return events.length > 0 ? table(events, out) : out.line("Nothing has happened yet.");
  }
  for (const event of events.toReversed()) printEvent(event, out);
  const from = events[0] ? `&after=${events[0].id}` : "";
  for await (const { data } of api.events(`${path}?follow=1${from}`))
    printEvent(data as AuditEvent, out);
}

function table(events: AuditEvent[], out: Output): void {
  const rows = events.map((event): Cell[] => [
    ago(event.at),
    event.who ?? "a stranger",
    event.app ?? "-",
    event.action,
    outcomeCell(event),
    event.deploy ?? "-",
    `${event.over} ${event.address ?? ""}`,
    detailOf(event),
  ]);
  out.table(["WHEN", "WHO", "APP", "WHAT", "OUTCOME", "DEPLOY", "FROM", "ABOUT"], rows, 7);
}

function printEvent(event: AuditEvent, out: Output): void {
  if (out.json) return out.line(JSON.stringify(event));
  const parts = [
    new Date(event.at).toISOString(),
    event.who ?? "a stranger",
    event.action,
    event.app ?? "",
    event.outcome === "done" ? "" : `${event.outcome} (${event.error ?? "?"})`,
    event.deploy ?? "",
    detailOf(event),
    `over ${event.over} from ${event.address ?? "?"}`,
  ];
  out.line(out.foreign(parts.filter((part) => part !== "").join("  ")));
}

function outcomeCell({ outcome, error }: AuditEvent): Cell {
  if (outcome === "done") return outcome;
  return { text: error ?? outcome, paint: outcome === "refused" ? "red" : "yellow" };
}

function detailOf({ detail = {} }: AuditEvent): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}
