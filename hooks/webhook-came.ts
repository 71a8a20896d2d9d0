import type { Came } from "../apps/senders.ts";
import { header, type Signed } from "./webhook-signature.ts";

const EVENT_HEADERS = [
  ...["content-type", "x-github-event", "x-forgejo-event", "x-gitea-event", "x-event-key"],
];

/** What is kept of a delivery: what it says, and none of the headers that may hold a secret. */
export function cameWith({ headers, body }: Signed): Came {
  const kept = EVENT_HEADERS.map((name) => [name, header(headers, name)]).filter(([, is]) => is);
  return { headers: Object.fromEntries(kept), body: body.toString("utf8") };
}
