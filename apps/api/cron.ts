import { z } from "zod";
import { viewCron, type CronView } from "../cron-view.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { cronJobSchema } from "./schemas-releases.ts";

const run = z.object({
  due: z.number().int().describe("milliseconds since the epoch"),
  state: z.enum(["running", "done", "failed", "skipped", "missed"]),
  run: z.string().optional().describe("its name in the log is run.ID"),
  exit: z.number().int().optional(),
  finishedAt: z.number().int().optional(),
  why: z.string().optional(),
});

const jobSchema = cronJobSchema.extend({
  next: z.number().int().nullable().describe("when it runs next; null: never, or not for now"),
  last: run.nullable(),
  runs: z.array(run).describe("those that go on, then the last ones, newest first"),
}) satisfies z.ZodType<CronView>;

/** What runs by the clock. */
export function cronRoutes(options: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/cron",
      summary: "What the live release runs by the clock: when next, and how it went last",
      subject: "app",
      needs: "read",
      answer: z.object({ jobs: z.array(jobSchema) }),
      handle: async ({ subject }) => ({ jobs: await viewCron(subject, options) }),
    }),
  ];
}
