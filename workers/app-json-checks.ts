import { z } from "zod";
import type { HealthCheck } from "../apps/checks.ts";
import { TealError } from "../apps/errors.ts";
import { shellArguments } from "../buildpacks/command.ts";

const LONGEST_CHECK_S = 600;
const seconds = z.number().min(0).max(LONGEST_CHECK_S);
const line = z.string().trim().min(1).max(4000);
const headerSchema = z.object({
  name: z.string().regex(/^[!#$%&'*+.^_`|~\w-]{1,100}$/, "the name of a header"),
  value: z.string().regex(/^[\t -~]{0,1000}$/, "a value of plain characters"),
});

export const checkSchema = z.object({
  type: z.enum(["startup", "liveness", "readiness"]).default("startup"),
  name: z.string().optional(),
  path: z
    .string()
    .regex(/^\/[!-~]*$/, "a path such as /health")
    .optional(),
  content: z.string().min(1).optional(),
  httpHeaders: z.array(headerSchema).max(20).default([]),
  port: z.number().int().min(1).max(65_535).optional(),
  command: z.union([line, z.array(z.string()).min(1).max(50)]).optional(),
  listening: z.boolean().default(false),
  uptime: seconds.optional(),
  warn: z.boolean().default(false),
  timeout: seconds.default(5),
  attempts: z.number().int().min(1).max(100).default(3),
  wait: seconds.default(5),
  initialDelay: seconds.default(0),
});
export const checksSchema = z.record(z.string(), z.array(checkSchema).max(10));

/** `healthchecks` of app.json, by process type. @throws bad-app-json */
export function checksOf(told: z.infer<typeof checksSchema>): {
  checks?: Record<string, HealthCheck[]>;
} {
  const all = Object.entries(told).flatMap(([process, some]) => {
    const checks = some.map((one, at) => checkOf(one, process, `healthchecks.${process}.${at}`));
    return checks.length > 0 ? [[process, checks] as const] : [];
  });
  return all.length > 0 ? { checks: Object.fromEntries(all) } : {};
}

function checkOf(told: z.infer<typeof checkSchema>, process: string, at: string): HealthCheck {
  const { type, content, port, warn, attempts, uptime, listening, command, httpHeaders } = told;
  const ways = [told.path, command, listening || undefined, uptime];
  const given = ways.filter((way) => way !== undefined).length;
  if (given > 1) throw bad(at, "one of path, command, listening and uptime was expected");
  const path = given === 0 ? "/" : told.path;
  const headers = Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value]));
  if (path === undefined && (content !== undefined || httpHeaders.length > 0)) {
    throw bad(at, "content and httpHeaders go with a path");
  }
  if (process !== "web" && port === undefined && (path !== undefined || listening)) {
    throw bad(at, "a process type other than web needs a port, a command or an uptime");
  }
  return {
    type,
    ...(path !== undefined && { path }),
    ...(content !== undefined && { content }),
    ...(httpHeaders.length > 0 && { headers }),
    ...(port !== undefined && { port }),
    ...(command !== undefined && {
      command: typeof command === "string" ? shellArguments(command) : command,
    }),
    ...(listening && { listening }),
    ...(uptime !== undefined && { uptimeMs: uptime * 1000 }),
    ...(warn && { warn }),
    attempts,
    timeoutMs: Math.max(100, told.timeout * 1000),
    waitMs: told.wait * 1000,
    initialDelayMs: told.initialDelay * 1000,
  };
}

function bad(at: string, detail: string): TealError {
  return new TealError("bad-app-json", { detail: `${at}: ${detail}` });
}
