import { z } from "zod";
import type { CheckLook, ContainerLook } from "../app-look.ts";
import type { ResourceRow } from "../app-resources.ts";
import type { Finding } from "../findings.ts";
import type { Inspected } from "../inspect.ts";
import { instanceSchema } from "./schemas-apps.ts";

export const findingSchema = z.object({
  level: z
    .enum(["bad", "warn", "note"])
    .describe("bad: people notice it, or soon will; note: as somebody asked for"),
  about: z.string(),
  seen: z.string().describe("with its figure"),
  means: z.string(),
  todo: z.string().describe("a command"),
}) satisfies z.ZodType<Finding>;

export const resourceSchema = z.object({
  resource: z.string(),
  utilisation: z.string(),
  saturation: z.string(),
  errors: z.string(),
}) satisfies z.ZodType<ResourceRow>;

const count = z.number().int();

const containerSchema = z.object({
  image: z.string(),
  running: z.boolean(),
  exitCode: count,
  outOfMemory: z.boolean(),
  startedAt: count.describe("milliseconds since the epoch"),
  restarts: count.describe("by the engine, since it was made"),
  addresses: z.array(z.string()),
  limits: z
    .object({ memory: z.number(), cpus: z.number(), pids: count })
    .describe("0: none of its own; memory in bytes"),
  mounts: z.array(z.object({ source: z.string(), target: z.string(), writable: z.boolean() })),
  env: z.array(z.string()).describe("names alone"),
  usage: z
    .object({
      cpus: z.number().describe("processors kept busy in the last second"),
      periods: count,
      throttled: count.describe("periods of that second in which it had to wait for its share"),
      memory: z.number().describe("bytes"),
      pids: count,
    })
    .nullable(),
}) satisfies z.ZodType<ContainerLook>;

const checkLookSchema = z.object({
  type: z.enum(["startup", "liveness", "readiness"]),
  what: z.string(),
  healthy: z.boolean(),
  says: z.string(),
}) satisfies z.ZodType<CheckLook>;

export const inspectedSchema = instanceSchema.extend({
  container: containerSchema.nullable().describe("null: there is none"),
  checks: z.array(checkLookSchema).describe("each tried once, just now"),
  answers: z
    .object({
      requests: count,
      errors: count.describe("not taken or answered, answered with a status of 5xx, or broken off"),
    })
    .describe("of the last five minutes"),
}) satisfies z.ZodType<Inspected>;
