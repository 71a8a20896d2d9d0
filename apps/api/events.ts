import { z } from "zod";
import type { Identity } from "../access.ts";
import { isEventId, type Audit, type AuditEvent } from "../audit.ts";
import { TealError } from "../errors.ts";
import { eventStream, type ServerEvent } from "../event-stream.ts";
import { pageOf } from "./page.ts";
import { route, type ApiOptions, type Call, type Route } from "./route.ts";
import { nextPage } from "./schemas.ts";
import { auditEventSchema, eventsQuery } from "./schemas-events.ts";

const answer = z.object({
  events: z.array(auditEventSchema),
  next: nextPage,
});

type Query = z.infer<typeof eventsQuery>;

/** The audit log: who did what, when, from where. */
export function eventRoutes({ audit, access }: ApiOptions): Route[] {
  const readableBy = (identity: Identity) => (event: AuditEvent) =>
    access.may(identity, "admin") ||
    (event.app !== null && access.may(identity, "read", event.app));
  return [
    route({
      method: "get",
      path: "/events",
      summary: "Who did what, when, from where; of the apps that the caller may see",
      subject: "platform",
      needs: "token",
      query: eventsQuery,
      pages: "before",
      answer,
      events: true,
      handle: (call) => give(audit, call, { readable: readableBy(call.identity) }),
    }),
    route({
      method: "get",
      path: "/apps/:app/events",
      summary: "Who did what to the app, when, from where",
      subject: "app",
      needs: "read",
      query: eventsQuery,
      pages: "before",
      answer,
      events: true,
      handle: (call) => give(audit, call, { app: call.subject.name }),
    }),
  ];
}

type Span = { app: string } | { readable: (event: AuditEvent) => boolean };

async function give(audit: Audit, call: Call<unknown, Query, unknown>, span: Span) {
  const { query, wantsEvents, lastEventId, stillAllowed } = call;
  const { limit, before } = query;
  const after = lastEventId ?? query.after;
  for (const id of [before, after]) {
    if (id !== undefined && !isEventId(id))
      throw new TealError("bad-request", { detail: "the id to go on from is not one of an event" });
  }
  if (wantsEvents || query.follow === "1") {
    const from = after === undefined ? {} : { after };
    const source = (signal: AbortSignal) =>
      asServerEvents(audit.follow({ ...span, ...from, signal }));
    return eventStream(source, stillAllowed);
  }
  const from = before === undefined ? {} : { before };
  const events = await audit.list({ ...span, ...from, limit: limit + 1 });
  const { items, next } = pageOf(events, limit, (event) => event.id);
  return { events: items, next };
}

async function* asServerEvents(events: AsyncIterable<AuditEvent>): AsyncGenerator<ServerEvent> {
  for await (const event of events) yield { id: event.id, event: "event", data: event };
}
