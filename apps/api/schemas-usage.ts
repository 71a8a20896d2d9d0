import { z } from "zod";
import type { Usage } from "../series.ts";
import { colour } from "./schemas.ts";

export const usageSchema = z.object({
  colour,
  name: z.string().describe("`web.1`"),
  cpu: z.number().describe("cores kept busy; 1 is one core"),
  cpus: z.number().optional().describe("cores that it may have; absent: all"),
  throttled: z
    .number()
    .optional()
    .describe("share of the time in which it had to wait because its cores were used up, 0 to 1"),
  memory: z.number().describe("bytes"),
  limit: z.number().describe("bytes that it may have; 0: all"),
  requests: z
    .number()
    .int()
    .optional()
    .describe("sent to it since the sample before; absent: none"),
  errors: z
    .number()
    .int()
    .optional()
    .describe("of them, not taken or answered, answered with a status of 5xx, or broken off"),
}) satisfies z.ZodType<Usage>;
