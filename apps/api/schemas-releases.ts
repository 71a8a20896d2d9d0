import { z } from "zod";
import { CONCURRENCIES } from "../cron.ts";
import type { ReleaseDiff } from "../diff.ts";
import type { ReleaseView } from "../views.ts";
import { runtimeSchema } from "./schemas-runtime.ts";
import { time, colour, why, deployKind, part, counts } from "./schemas.ts";

/** Releases, as the API takes and gives them. */

export const cronJobSchema = z.object({
  id: z.string(),
  command: z.string(),
  schedule: z.string().describe("in UTC"),
  concurrency: z.enum(CONCURRENCIES),
  maintenance: z.literal(true).optional().describe("it is left out for now"),
});

export const mountSchema = z.object({
  source: z.string().describe("a volume's name, or a path of the machine"),
  target: z.string(),
  processes: z.array(z.string()).optional().describe("mounted in these alone; absent: in all"),
  exclusive: z.literal(true).optional().describe("the old version stops before the new one starts"),
});

const checkSchema = z.object({
  type: z.enum(["startup", "liveness", "readiness"]),
  path: z.string().optional(),
  content: z.string().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  port: z.number().int().optional(),
  command: z.array(z.string()).optional(),
  listening: z.literal(true).optional(),
  uptimeMs: z.number().optional(),
  attempts: z.number().int(),
  timeoutMs: z.number(),
  waitMs: z.number(),
  initialDelayMs: z.number(),
  warn: z.literal(true).optional(),
});

export const releaseSchema = z.object({
  app: z.string(),
  n: z.number().int(),
  status: z
    .enum(["live", "warm", "held", "kept", "gone", "failed", "starting"])
    .describe(
      "live answers requests, warm can be swapped back at once, kept can be started again, " +
        "of one that is gone the image is no longer here",
    ),
  colour: colour.nullable().describe("null when it does not run"),
  deploy: z.string(),
  kind: deployKind,
  commit: z.string().describe("empty for an image that was made elsewhere"),
  from: z.string().optional().describe("name and digest of an image that was made elsewhere"),
  image: z.string(),
  imageBytes: z.number(),
  buildpacks: z
    .array(z.string())
    .optional()
    .describe("classic ones that were fetched: addresses with their commits"),
  processes: z.record(z.string(), z.string()),
  formation: counts,
  defaults: counts.optional().describe("of process types that nobody has scaled (app.json)"),
  check: z
    .object({
      path: z.string(),
      content: z.string().optional(),
      timeoutMs: z.number(),
      withinMs: z.number(),
    })
    .optional()
    .describe("of old releases: when a new web instance is healthy"),
  checks: z
    .record(z.string(), z.array(checkSchema))
    .optional()
    .describe("by process type (app.json)"),
  scripts: z
    .object({
      predeploy: z.string().optional(),
      postdeploy: z.string().optional(),
      first: z.string().optional().describe("after the first deploy alone"),
    })
    .optional()
    .describe("what a deploy runs besides the release command (app.json)"),
  runtime: runtimeSchema.optional().describe("what its instances may take up, by process type"),
  config: z.array(z.string()).describe("names; values are at /apps/{app}/config"),
  mounts: z.array(mountSchema).optional(),
  cron: z.array(cronJobSchema).optional().describe("what runs by the clock (app.json)"),
  port: z.number().int(),
  createdAt: time,
  by: z.string(),
  why: z.string(),
  rollbackOf: z.number().int().optional(),
  domains: z
    .array(z.string())
    .optional()
    .describe("as they were when it was made; a rollback leaves them as they are"),
  irreversible: z.boolean().describe("a rollback past it has to be forced"),
}) satisfies z.ZodType<ReleaseView>;

export const rollbackBody = z.strictObject({
  to: z.number().int().min(1).max(1_000_000_000).optional().describe("none: the warm standby"),
  part: part.optional(),
  runRelease: z.boolean().default(false).describe("run the release command once more"),
  force: z.boolean().default(false).describe("past a release marked as irreversible too"),
  why: why.optional(),
});

const changeOf = <T extends z.ZodType>(type: T) =>
  z.object({ from: type.nullable(), to: type.nullable() });

export const diffSchema = z.object({
  from: z.number().int(),
  to: z.number().int(),
  commit: changeOf(z.string()).nullable(),
  imageBytes: changeOf(z.number()).nullable(),
  config: z.object({
    added: z.array(z.string()),
    removed: z.array(z.string()),
    changed: z.array(z.string()),
  }),
  processes: z.record(z.string(), changeOf(z.string())),
  formation: z.record(z.string(), changeOf(z.number())),
  domains: z
    .object({ added: z.array(z.string()), removed: z.array(z.string()) })
    .nullable()
    .describe("null: of a release so old that it does not know"),
}) satisfies z.ZodType<ReleaseDiff>;
