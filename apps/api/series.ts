import { z } from "zod";
import { route, type ApiOptions, type Route } from "./route.ts";
import { colour, time } from "./schemas.ts";
import { usageSchema } from "./schemas-usage.ts";

const seriesQuery = z.object({
  after: z.coerce.number().int().min(0).optional().describe("only what was seen after this time"),
});

const trafficSchema = z.object({
  requests: z.number().int(),
  errors: z.number().int().describe("answers of status 5xx, and requests without an answer"),
  p50: z.number().optional().describe("milliseconds to the answer's head"),
  p95: z.number().optional(),
  p99: z.number().optional(),
});

const sampleSchema = z.object({
  at: time,
  seconds: z.number().describe("how long it was looked, up to `at`"),
  colours: z.partialRecord(colour, trafficSchema).describe("what each colour answered"),
  instances: z.record(z.string(), usageSchema).describe("by instance id"),
});

/** How an app was in the last hour. */
export function seriesRoutes({ series }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/series",
      summary:
        "The last hour in figures, about every ten seconds: requests, errors and latency of each colour, processor and memory of each instance",
      subject: "app",
      needs: "read",
      query: seriesQuery,
      answer: z.object({ samples: z.array(sampleSchema).describe("oldest first") }),
      async handle({ subject, query: { after } }) {
        return { samples: await series.read(subject.name, after) };
      },
    }),
  ];
}
