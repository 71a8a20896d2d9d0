import { z } from "zod";
import { describeCrash } from "../crashes.ts";
import { GUARD_RANGES, type GuardOptions, guardLimits, type Watch } from "../guard.ts";
import { route, type ApiOptions, type Route } from "./route.ts";

const within = (name: keyof typeof GUARD_RANGES, about: string) => {
  const [least, most] = GUARD_RANGES[name];
  return z.number().int().min(least).max(most).describe(about);
};
const fields = {
  window: within("window", "how long a new colour is watched, in seconds"),
  errors: within("errors", "so many more of 100 answers may fail than before"),
  slow: within("slow", "so many more of 100 answers may be slow than before"),
  crashes: within("crashes", "so many crashes are too many"),
  requests: within("requests", "with fewer answers, before or since, answers are not judged"),
};
const guardBody = z
  .strictObject({
    off: z.boolean(),
    window: fields.window.nullable(),
    errors: fields.errors.nullable(),
    slow: fields.slow.nullable(),
    crashes: fields.crashes.nullable(),
    requests: fields.requests.nullable(),
  })
  .partial()
  .meta({ description: "what is to change; null: as for every app" });

const time = z.number().int().describe("milliseconds since the epoch");
const traffic = z.object({
  answers: z.number().int(),
  errors: z.number().int(),
  buckets: z.array(z.number().int()).describe("by the time to their head"),
});
const limits = z.object(fields);
const watchSchema = z.object({
  app: z.string(),
  deploy: z.string(),
  seq: z.number().int(),
  release: z.number().int(),
  against: z.number().int().describe("the release before it, to which is swapped back"),
  since: time,
  until: time,
  limits,
  before: traffic,
  recent: traffic.optional(),
  crashesBefore: z.object({ crashes: z.number().int(), ms: z.number() }),
  state: z.enum(["watching", "passed", "tripped", "moot"]),
  endedAt: time.optional(),
  why: z.string().optional(),
}) satisfies z.ZodType<Watch>;
const crashSchema = z.object({
  at: time,
  instance: z.string(),
  process: z.string(),
  release: z.number().int(),
  deploy: z.string(),
  cause: z.enum(["exit", "memory", "hung"]),
  status: z.number().int(),
  detail: z.string().optional(),
  says: z.string().describe("the same as one sentence"),
});

/** Releases on guard, and crashes. */
export function guardRoutes({ store, watches, crashes }: ApiOptions): Route[] {
  const answer = z.object({
    limits: limits.nullable().describe("null: the app has no guard"),
    watch: watchSchema.nullable().describe("of the newest guarded swap"),
  });
  const show = async (app: string) => {
    const { guard } = (await store.getSettings(app)).options;
    return { limits: guardLimits(guard), watch: await watches.get(app) };
  };
  return [
    route({
      method: "get",
      path: "/apps/:app/guard",
      summary: "What the guard allows, and what it watches or watched last",
      subject: "app",
      needs: "read",
      answer,
      handle: ({ subject }) => show(subject.name),
    }),
    route({
      method: "post",
      path: "/apps/:app/guard",
      summary: "Change what the guard allows; from the next swap on",
      subject: "app",
      needs: "push",
      body: guardBody,
      answer,
      async handle({ subject, body }) {
        const { guard: told } = (await store.getSettings(subject.name)).options;
        const changed = Object.entries({ ...told, ...body });
        const kept = changed.filter(([, value]) => value !== null && value !== false);
        const guard: GuardOptions | null = kept.length > 0 ? Object.fromEntries(kept) : null;
        await store.changeSettings(subject.name, { options: { guard } });
        return show(subject.name);
      },
    }),
    route({
      method: "get",
      path: "/apps/:app/crashes",
      summary: "Instances that ended by themselves or hung, the newest 100, newest first",
      subject: "app",
      needs: "read",
      answer: z.object({ crashes: z.array(crashSchema) }),
      async handle({ subject }) {
        const all = (await crashes.list(subject.name)).toReversed();
        return { crashes: all.map((one) => ({ ...one, says: describeCrash(one) })) };
      },
    }),
  ];
}
