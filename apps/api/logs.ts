import { z } from "zod";
import { LOG_SOURCES } from "../app-log-files.ts";
import { isPlace, type LogQuery } from "../app-logs.ts";
import { TealError } from "../errors.ts";
import { eventStream, type ServerEvent } from "../event-stream.ts";
import { readMoment } from "../moment.ts";
import { route, type ApiOptions, type Route } from "./route.ts";

const query = z.object({
  follow: z.enum(["0", "1"]).default("0").describe("1: as server-sent events, without end"),
  limit: z.coerce.number().int().min(0).max(10_000).default(100).describe("the newest so many"),
  after: z.string().optional().describe("with follow: only lines after the one with this id"),
  ps: z
    .string()
    .regex(/^[\w-]{1,60}(\.[\w-]{1,60})?$/, "a process such as web.1, or a process type")
    .optional(),
  since: z.string().max(40).optional().describe("10m, 2h, 1d, or a time such as 2026-01-02T03:04Z"),
  release: z.coerce.number().int().min(1).optional(),
  grep: z.string().min(1).max(500).optional().describe("a text that the line holds"),
  source: z.enum(LOG_SOURCES).optional().describe("app: its instances alone"),
});

const line = z.object({
  id: z.string().describe("what `after` and Last-Event-ID take"),
  t: z.number().int().describe("milliseconds since the epoch"),
  n: z.number().int().optional().describe("nanoseconds within that millisecond"),
  from: z.string().describe("web.1, router.1, teal"),
  colour: z.enum(["blue", "green"]).optional(),
  release: z.number().int().optional(),
  text: z.string(),
});

/** What the app's instances, the routers and the platform have to say of it. */
export function logRoutes({ appLogs }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/logs",
      summary: "The app's newest lines, oldest first; with `follow=1` as they come",
      subject: "app",
      needs: "read",
      query,
      answer: z.object({ lines: z.array(line) }),
      events: true,
      async handle({ subject, query: given, wantsEvents, lastEventId, stillAllowed }) {
        const after = lastEventId ?? given.after;
        if (after !== undefined && !isPlace(after)) {
          throw new TealError("bad-request", {
            detail: "the id to go on from is not one of a log line",
          });
        }
        const wanted = readQuery(given);
        if (!wantsEvents && given.follow === "0") {
          return { lines: await appLogs.read(subject.name, wanted) };
        }
        const resume = after === undefined ? {} : { after };
        const source = async function* (signal: AbortSignal): AsyncGenerator<ServerEvent> {
          const lines = appLogs.follow(subject.name, wanted, { signal, ...resume });
          for await (const one of lines) yield { id: one.id, event: "line", data: one };
        };
        return eventStream(source, stillAllowed);
      },
    }),
  ];
}

function readQuery({ limit, ps, since, release, grep, source }: z.infer<typeof query>): LogQuery {
  return {
    limit,
    ...(ps !== undefined && { ps }),
    ...(since !== undefined && { since: readMoment(since, Date.now()) }),
    ...(release !== undefined && { release }),
    ...(grep !== undefined && { grep }),
    ...(source !== undefined && { source }),
  };
}
