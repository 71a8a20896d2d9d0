import { z } from "zod";
import type { ConfigVar } from "../app-config.ts";
import type { AppView, InstanceView } from "../views.ts";
import { time, colour, why, counts, deploySchema, promoteAfter } from "./schemas.ts";

/** Apps and what is set for them, as the API takes and gives them. */

const slot = z
  .object({
    ...{ colour, release: z.number().int(), deploy: z.string(), since: time },
    promoteAt: time.optional().describe("of what is held: when it is promoted by itself"),
  })
  .meta({ description: "a colour that runs something" });

export const appSchema = z.object({
  name: z.string(),
  url: z.string(),
  idleUrl: z.string().nullable().describe("of what is held, else of the standby"),
  state: z.enum(["active", "destroying"]),
  createdAt: time,
  createdBy: z.string(),
  live: slot.nullable(),
  standby: slot.nullable(),
  held: slot.nullable().describe("a healthy new version that waits to be promoted"),
  hold: z.boolean().describe("new versions are held"),
  stopped: z.boolean().describe("its people stopped it"),
  formation: counts,
  domains: z.array(z.string()),
  lastDeploy: deploySchema.nullable(),
}) satisfies z.ZodType<AppView>;

export const instanceSchema = z.object({
  id: z.string(),
  app: z.string(),
  deploy: z.string(),
  release: z.number().int(),
  colour,
  process: z.string(),
  index: z.number().int(),
  state: z.enum(["created", "started", "healthy", "live", "retired", "stopped", "removed"]),
  serves: z.enum(["live", "standby", "held"]).nullable().describe("null: on its way in or out"),
  as: z
    .number()
    .int()
    .describe("the release that it answers as; `release` is what it was started for"),
  crashes: z.number().int().describe("of late"),
  lastCrash: z.string().optional(),
  looping: z.boolean().optional().describe("it is in a crash loop"),
  rests: z.boolean().optional().describe("the app is stopped"),
  slot: z.number().int(),
  host: z.string().optional(),
  port: z.number().int().optional(),
  retiredVersion: z.number().int().optional(),
  retiredAt: time.optional(),
}) satisfies z.ZodType<InstanceView>;

export const createAppBody = z.strictObject({ name: z.string().max(200) });

export const destroyBody = z.strictObject({
  confirm: z.string().max(200).optional(),
  volumes: z.boolean().default(false).describe("its volumes go too"),
});

export const destroyQuery = z.object({ confirm: z.string().optional() });

export const configBody = z.strictObject({
  set: z.record(z.string().max(200), z.string()).default({}),
  unset: z.array(z.string().max(200)).max(1000).default([]),
  restart: z.boolean().default(true).describe("false: the next release has it"),
});

export const configQuery = z.object({
  reveal: z.enum(["0", "1"]).default("0").describe("1: with the values, for who may push"),
});

export const configSchema = z.object({
  name: z.string(),
  value: z.string().nullable().describe("masked unless revealed; null: it will be gone"),
  staged: z.boolean().describe("not live yet: the next release has it so"),
}) satisfies z.ZodType<ConfigVar>;

export const formationBody = z.strictObject({
  formation: z.record(
    z.string().regex(/^[A-Za-z0-9_-]{1,60}$/, "a process type such as 'web'"),
    z.number().int().min(0).max(100),
  ),
});

export const holdBody = z.strictObject({
  hold: z.boolean(),
  promoteAfter: promoteAfter.optional(),
});

export const promoteBody = z.strictObject({ why: why.optional() });

export const domainBody = z.strictObject({ host: z.string().max(300) });

export const domainsSchema = z.object({
  platform: z.string().describe("the app's own host under the platform's domain"),
  domains: z.array(z.string()),
});
