import { z } from "zod";
import { ERRORS, type ErrorCode } from "../errors.ts";
import { PROMOTE_AFTER_S } from "../promote-after.ts";
import type { Deploy } from "../types.ts";

/** What the API takes and gives. Requests are checked by these, and the OpenAPI document is made from them. */

export const time = z.number().int().describe("milliseconds since the epoch");

export const colour = z.enum(["blue", "green"]);

export const why = z.string().max(500);

export const deployKind = z.enum([
  ...["push", "rollback", "config", "restart", "promote", "scale", "domains", "routing"],
] as const);

export const part = z
  .enum(["code", "config"])
  .describe("what a rollback restores; both unless said");

export const counts = z.record(z.string(), z.number().int()).describe("process type to instances");

export const deploySchema = z.object({
  id: z.string(),
  app: z.string(),
  seq: z.number().int(),
  kind: deployKind,
  state: z.enum(["queued", "running", "live", "held", "failed", "cancelled", "superseded"]),
  commit: z.string().optional(),
  ref: z.string().optional(),
  sender: z.string().optional().describe("the webhook sender that asked for it"),
  repo: z.string().optional().describe("where a webhook's commit is fetched from"),
  image: z.string().optional().describe("an image to run, in place of a commit to build"),
  archive: z.string().optional().describe("where a webhook's source archive is fetched from"),
  fresh: z.boolean().optional().describe("built without cache"),
  verbose: z.boolean().optional().describe("all that the builder says is in the log"),
  delivery: z.string().optional(),
  toRelease: z.number().int().optional(),
  part: part.optional(),
  hold: z.boolean().optional(),
  irreversible: z.boolean().optional().describe("older code no longer works after it"),
  runRelease: z.boolean().optional().describe("a rollback that runs the release command too"),
  promoteAfter: z.number().int().optional().describe("held for so long, ms, it is promoted"),
  promoteOf: z.string().optional().describe("a promotion by itself: the deploy that was held"),
  guardOf: z.string().optional().describe("a swap back by the guard: the deploy that it watched"),
  stopped: z.boolean().optional().describe("its people stopped the app, or started it again"),
  by: z.string(),
  why: z.string(),
  createdAt: time,
  startedAt: time.optional(),
  finishedAt: time.optional(),
  attempts: z.number().int(),
  cancelRequested: z.boolean(),
  release: z.number().int().optional(),
  error: z.string().optional(),
  supersededBy: z.string().optional(),
}) satisfies z.ZodType<Deploy>;

export const lineSchema = z.object({
  id: z.string(),
  at: time,
  kind: z.enum(["step", "info", "warn", "error", "output"]),
  text: z.string(),
});

export const problemSchema = z
  .object({
    type: z.literal("about:blank"),
    title: z.enum(Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]).describe("the error's code"),
    status: z.number().int(),
    detail: z.string().describe("what was expected and what came"),
    todo: z.string().describe("what to do"),
    instance: z.string().describe("the request's id"),
  })
  .meta({ description: "an error, as RFC 9457 has it" });

export const promoteAfter = z
  .number()
  .int()
  .min(PROMOTE_AFTER_S.least)
  .max(PROMOTE_AFTER_S.most)
  .describe("s after which what is held is promoted by itself");

export const nextPage = z.string().nullable().describe("where the next page begins; null: no more");

export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe("how many, newest first"),
});

export const logQuery = z.object({
  follow: z.enum(["0", "1"]).default("0").describe("1: as server-sent events, until the end"),
  after: z.string().optional().describe("only lines after the one with this id"),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
});
