import { z } from "zod";
import { NOTICE_EVENTS, NOTIFIER_KINDS, type Notifier, type Sent } from "../notifiers.ts";
import { PROVIDERS, type Delivery, type Sender } from "../senders.ts";
import { time } from "./schemas.ts";

/** Webhook senders and notifiers, as the API takes and gives them. */

export const hookSchema = z.object({
  id: z.string(),
  app: z.string(),
  provider: z.enum(PROVIDERS),
  branch: z.string(),
  repo: z.string().nullable().describe("null: where the webhook says"),
  image: z
    .string()
    .nullable()
    .describe("repository of the images that may be deployed; null: none"),
  events: z.array(z.string()).describe("empty: all that the provider has for it"),
  paths: z.array(z.string()).describe("empty: whatever a push changes"),
  by: z.string(),
  createdAt: time,
}) satisfies z.ZodType<Sender>;

export const deliverySchema = z.object({
  key: z.string().optional().describe("the platform's own id of it"),
  at: time,
  sender: z.string(),
  id: z.string().describe("the sender's own"),
  event: z.string(),
  deploy: z.string().optional(),
  reason: z.string().optional().describe("why it did not deploy"),
}) satisfies z.ZodType<Delivery>;

export const notifierSchema = z.object({
  id: z.string(),
  app: z.string(),
  kind: z.enum(NOTIFIER_KINDS),
  host: z.string(),
  events: z.array(z.enum(NOTICE_EVENTS)),
  by: z.string(),
  createdAt: time,
}) satisfies z.ZodType<Notifier>;

export const sentSchema = z.object({
  at: time,
  notifier: z.string(),
  event: z.enum(NOTICE_EVENTS),
  deploy: z.string(),
  attempt: z.number().int(),
  status: z.number().int().optional(),
  error: z.string().optional().describe("why it did not arrive"),
}) satisfies z.ZodType<Sent>;

export const addHookBody = z.strictObject({
  provider: z.enum(PROVIDERS),
  branch: z.string().max(200).optional().describe("none: main"),
  repo: z.string().max(1000).optional().describe("https or ssh; none: where the webhook says"),
  image: z
    .string()
    .max(600)
    .optional()
    .describe("an image's repository; may end with :TAGS, a glob"),
  events: z.array(z.string().max(60)).max(10).optional(),
  paths: z.array(z.string().min(1).max(100)).max(20).optional().describe("globs"),
  token: z.string().max(4000).optional().describe("for https: TOKEN or USER:PASSWORD"),
  deployKey: z.string().max(20_000).optional().describe("for ssh: an OpenSSH private key"),
});

export const addNotifierBody = z.strictObject({
  kind: z.enum(NOTIFIER_KINDS),
  url: z.string().max(2000),
  events: z.array(z.enum(NOTICE_EVENTS)).max(20).optional(),
  token: z.string().max(2000).optional().describe("matrix: the access token; email: USER:PASSWORD"),
});
