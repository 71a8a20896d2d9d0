import { z } from "zod";
import type { AuditEvent } from "../audit.ts";

/** What the routes of the audit log take and give. */

export const auditEventSchema = z.object({
  id: z.string(),
  at: z.number().int().describe("milliseconds since the epoch"),
  who: z
    .string()
    .nullable()
    .describe("the user, else the name of the token, key or sender; null: a stranger"),
  with: z.string().optional().describe("name of the user's token or key"),
  over: z.enum(["api", "ssh", "git", "dashboard", "webhook"]),
  address: z.string().nullable(),
  action: z.string().describe("in the words of the command line, such as rollback"),
  app: z.string().nullable(),
  outcome: z.enum(["done", "refused", "failed"]),
  error: z.string().optional().describe("why not"),
  detail: z.record(z.string(), z.string()).optional(),
  deploy: z.string().optional().describe("the deploy that it led to"),
}) satisfies z.ZodType<AuditEvent>;

export const eventsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe("how many, newest first"),
  before: z.string().max(40).optional().describe("only events before the one with this id"),
  after: z.string().max(40).optional().describe("followed: from after the one with this id"),
  follow: z.enum(["0", "1"]).default("0").describe("1: as server-sent events"),
});
