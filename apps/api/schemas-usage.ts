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
}) satisfies z.ZodType<Usage>;
