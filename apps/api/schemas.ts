import { z } from "zod";
import { runtimeSchema } from "./schemas-runtime.ts";
import type { ConfigVar } from "../app-config.ts";
import { CONCURRENCIES } from "../cron.ts";
import type { ReleaseDiff } from "../diff.ts";
import { ERRORS, type ErrorCode } from "../errors.ts";
import { NOTICE_EVENTS, NOTIFIER_KINDS, type Notifier, type Sent } from "../notifiers.ts";
import { PROMOTE_AFTER_S } from "../promote-after.ts";
import { PROVIDERS, type Delivery, type Sender } from "../senders.ts";
import type { AppView, InstanceView, ReleaseView } from "../views.ts";
import type { Deploy } from "../types.ts";

/** What the API takes and gives. Requests are checked by these, and the OpenAPI document is made from them. */

export const time = z.number().int().describe("milliseconds since the epoch");
export const colour = z.enum(["blue", "green"]);
const why = z.string().max(500);
const slot = z
  .object({
    ...{ colour, release: z.number().int(), deploy: z.string(), since: time },
    promoteAt: time.optional().describe("of what is held: when it is promoted by itself"),
  })
  .meta({ description: "a colour that runs something" });

const deployKind = z.enum([
  ...["push", "rollback", "config", "restart", "promote", "scale", "domains", "routing"],
] as const);
const part = z.enum(["code", "config"]).describe("what a rollback restores; both unless said");
const counts = z.record(z.string(), z.number().int()).describe("process type to instances");

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
  delivery: z.string().optional(),
  toRelease: z.number().int().optional(),
  part: part.optional(),
  hold: z.boolean().optional(),
  irreversible: z.boolean().optional().describe("older code no longer works after it"),
  runRelease: z.boolean().optional().describe("a rollback that runs the release command too"),
  promoteAfter: z.number().int().optional().describe("held for so long, ms, it is promoted"),
  promoteOf: z.string().optional().describe("a promotion by itself: the deploy that was held"),
  guardOf: z.string().optional().describe("a swap back by the guard: the deploy that it watched"),
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
  slot: z.number().int(),
  host: z.string().optional(),
  port: z.number().int().optional(),
  retiredVersion: z.number().int().optional(),
  retiredAt: time.optional(),
}) satisfies z.ZodType<InstanceView>;

export const lineSchema = z.object({
  id: z.string(),
  at: time,
  kind: z.enum(["step", "info", "warn", "error", "output"]),
  text: z.string(),
});

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

export const createAppBody = z.strictObject({ name: z.string().max(200) });
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
export const destroyBody = z.strictObject({
  confirm: z.string().max(200).optional(),
  volumes: z.boolean().default(false).describe("its volumes go too"),
});
export const destroyQuery = z.object({ confirm: z.string().optional() });
export const rollbackBody = z.strictObject({
  to: z.number().int().min(1).max(1_000_000_000).optional().describe("none: the warm standby"),
  part: part.optional(),
  runRelease: z.boolean().default(false).describe("run the release command once more"),
  force: z.boolean().default(false).describe("past a release marked as irreversible too"),
  why: why.optional(),
});
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
export const promoteAfter = z
  .number()
  .int()
  .min(PROMOTE_AFTER_S.least)
  .max(PROMOTE_AFTER_S.most)
  .describe("s after which what is held is promoted by itself");
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
export const nextPage = z.string().nullable().describe("where the next page begins; null: no more");
export const pageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(200).default(50).describe("how many, newest first"),
});
export const logQuery = z.object({
  follow: z.enum(["0", "1"]).default("0").describe("1: as server-sent events, until the end"),
  after: z.string().optional().describe("only lines after the one with this id"),
  limit: z.coerce.number().int().min(1).max(10_000).default(10_000),
});
