import { z } from "zod";
import { assertSchedule, CONCURRENCIES, type CronJob, cronJobId } from "../apps/cron.ts";
import { TealError } from "../apps/errors.ts";
import { ENV_NAME, isGivenName } from "../apps/env-names.ts";
import type { HealthCheck } from "../apps/checks.ts";
import type { Runtime } from "../apps/runtime.ts";
import type { Scripts } from "../apps/types.ts";
import { PlanError } from "../buildpacks/errors.ts";
import { type JsonObject, isObject, parseJsonObject } from "../buildpacks/json.ts";
import { checkSchema, checksOf, checksSchema } from "./app-json-checks.ts";
import { runtimeIn, runtimeShape } from "./app-json-runtime.ts";
import { openTree } from "../buildpacks/tree.ts";

/** One name of the environment that an app expects. */
export interface ExpectedEnv {
  required: boolean;
  /** Set when nobody has set it. */
  value?: string;
  /** A random value is made for it when nobody has set one. */
  generate: boolean;
  description?: string;
}

/** What an app says of itself in `app.json`, as far as the platform knows it. */
export interface AppJson {
  /** By process type. */
  checks?: Record<string, HealthCheck[]>;
  scripts?: Scripts;
  /** Of process types that `ps:scale` has not set. */
  formation: Record<string, number>;
  /** Of process types where `limits:set` and `ps:handover` have not said otherwise. */
  runtime?: Runtime;
  env: Record<string, ExpectedEnv>;
  cron?: CronJob[];
  /** Older code no longer works after it. */
  irreversible?: true;
}

const FILE = "app.json";

const countSchema = z.object({
  quantity: z.number().int().min(0).max(20).default(1),
  ...runtimeShape,
});
const envSchema = z.object({
  description: z.string().optional(),
  required: z.boolean().default(true),
  value: z.string().optional(),
  generator: z.literal("secret").optional(),
});
const cronSchema = z.object({
  command: z.string().trim().min(1).max(4000),
  schedule: z.string().trim().min(1).max(100),
  concurrency_policy: z.enum(CONCURRENCIES).default("allow"),
  maintenance: z.boolean().default(false),
});
const line = z.string().trim().min(1).max(4000);
const dokkuSchema = z.object({ predeploy: line.optional(), postdeploy: line.optional() });
const scriptsSchema = z.object({ dokku: dokkuSchema.default({}), postdeploy: line.optional() });
/** What no neighbour knows stands under the platform's own name, as Dokku's scripts do under Dokku's. */
const tealSchema = z.object({ irreversible: z.boolean().default(false) });
const schema = z.object({
  teal: tealSchema.default({ irreversible: false }),
  scripts: scriptsSchema.default({ dokku: {} }),
  healthchecks: checksSchema.default({}),
  formation: z.record(z.string(), countSchema).default({}),
  env: z.record(z.string(), z.union([z.string(), envSchema])).default({}),
  cron: z.array(cronSchema).max(20).default([]),
});

/** Keys that only describe the app, and one that is read when it is built. */
const DESCRIPTION = [
  "buildpacks",
  "name",
  "description",
  "keywords",
  "repository",
  "website",
  "logo",
  "$schema",
];

/**
 * Reads `app.json` at the top of a source tree; all of it may be left out. What the platform does
 * not know is named in a warning and changes nothing. @throws bad-app-json
 */
export async function readAppJson(dir: string, warn: (text: string) => void): Promise<AppJson> {
  const raw = await readObject(dir);
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw badAppJson(`${issue?.path.join(".")}: ${issue?.message ?? ""}`);
  }
  const { healthchecks, formation, env, cron, scripts, teal } = parsed.data;
  for (const key of unknownKeys(raw)) warn(`${FILE}: ${key} is not known here and changes nothing`);
  const names = Object.keys(env);
  for (const name of names)
    if (!ENV_NAME.test(name)) throw badAppJson(`env.${name}: no name of a variable`);
  for (const name of names.filter(isGivenName)) {
    warn(`${FILE}: env.${name} is given by the platform and changes nothing`);
  }
  return {
    ...checksOf(healthchecks),
    ...scriptsOf(scripts),
    ...runtimeIn(formation),
    formation: Object.fromEntries(
      Object.entries(formation).map(([name, it]) => [name, it.quantity]),
    ),
    env: Object.fromEntries(
      Object.entries(env)
        .filter(([name]) => !isGivenName(name))
        .map(([name, it]) => [name, expected(it)]),
    ),
    ...(cron.length > 0 && { cron: cron.map(cronJob) }),
    ...(teal.irreversible && { irreversible: true }),
  };
}

function cronJob(given: z.infer<typeof cronSchema>): CronJob {
  const { command, schedule, concurrency_policy: concurrency, maintenance } = given;
  try {
    assertSchedule(schedule);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw badAppJson(`cron: ${schedule}: five fields such as '0 4 * * *' were expected (${why})`);
  }
  const id = cronJobId({ command, schedule });
  return { id, command, schedule, concurrency, ...(maintenance && { maintenance }) };
}

async function readObject(dir: string): Promise<JsonObject> {
  try {
    const text = await openTree(dir).read(FILE);
    return text === null ? {} : parseJsonObject(FILE, text);
  } catch (error) {
    if (!(error instanceof PlanError)) throw error;
    throw badAppJson(error.says.replace(/\.$/, ""));
  }
}

function scriptsOf({ dokku, postdeploy: first }: z.infer<typeof scriptsSchema>): {
  scripts?: Scripts;
} {
  const { predeploy, postdeploy } = dokku;
  const scripts = {
    ...(predeploy !== undefined && { predeploy }),
    ...(postdeploy !== undefined && { postdeploy }),
    ...(first !== undefined && { first }),
  };
  return Object.keys(scripts).length > 0 ? { scripts } : {};
}

function expected(given: string | z.infer<typeof envSchema>): ExpectedEnv {
  if (typeof given === "string") return { required: false, generate: false, value: given };
  const { required, value, generator, description } = given;
  return {
    required,
    generate: generator === "secret",
    ...(value === undefined ? {} : { value }),
    ...(description === undefined ? {} : { description }),
  };
}

function unknownKeys(raw: JsonObject): string[] {
  const known = [...Object.keys(schema.shape), ...DESCRIPTION];
  const top = Object.keys(raw).filter((key) => !known.includes(key));
  return [
    ...top,
    ...unknownScripts(raw),
    ...unknownIn(raw, "teal", Object.keys(tealSchema.shape)),
    ...unknownUnder(raw, "healthchecks", Object.keys(checkSchema.shape)),
    ...unknownUnder(raw, "formation", Object.keys(countSchema.shape)),
    ...unknownUnder({ cron: { "": raw["cron"] } }, "cron", Object.keys(cronSchema.shape)),
    ...unknownUnder(raw, "env", Object.keys(envSchema.shape)),
  ].slice(0, 20);
}

function unknownIn(raw: JsonObject, section: string, known: string[]): string[] {
  const value = raw[section];
  const keys = isObject(value) ? Object.keys(value) : [];
  return keys.filter((key) => !known.includes(key)).map((key) => `${section}.${key}`);
}

function unknownScripts({ scripts }: JsonObject): string[] {
  if (!isObject(scripts)) return [];
  const top = Object.keys(scripts).filter((key) => !Object.hasOwn(scriptsSchema.shape, key));
  const dokku = isObject(scripts["dokku"]) ? Object.keys(scripts["dokku"]) : [];
  const inner = dokku.filter((key) => !Object.hasOwn(dokkuSchema.shape, key));
  return [...top, ...inner.map((key) => `dokku.${key}`)].map((key) => `scripts.${key}`);
}

function unknownUnder(raw: JsonObject, section: string, known: string[]): string[] {
  const entries = isObject(raw[section]) ? Object.entries(raw[section]) : [];
  return entries.flatMap(([name, value]) =>
    [value]
      .flat()
      .filter(isObject)
      .flatMap((one) => Object.keys(one))
      .filter((key) => !known.includes(key))
      .map((key) => `${section}.${name}.${key}`),
  );
}

function badAppJson(detail: string): TealError {
  return new TealError("bad-app-json", { detail });
}
