import { z } from "zod";
import { nextRun } from "../cron.ts";
import { route, type ApiOptions, type Route } from "./route.ts";
import { cronJobSchema } from "./schemas.ts";

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
});
export type CronView = z.infer<typeof jobSchema>;

/** What runs by the clock. */
export function cronRoutes({ store, cron }: ApiOptions): Route[] {
  return [
    route({
      method: "get",
      path: "/apps/:app/cron",
      summary: "What the live release runs by the clock: when next, and how it went last",
      subject: "app",
      needs: "read",
      answer: z.object({ jobs: z.array(jobSchema) }),
      async handle({ subject: { name, live } }) {
        const release = live && (await store.getRelease(name, live.release));
        const { options } = await store.getSettings(name);
        const states = await cron.read(name);
        const jobs = (release?.cron ?? []).map((job): CronView => {
          const paused = job.maintenance === true || options.stopped === true;
          const next = paused ? null : nextRun(job, Date.now());
          return { ...job, next, last: states[job.id]?.last ?? null };
        });
        return { jobs };
      },
    }),
  ];
}
