import { createHash } from "node:crypto";
import Router from "@koa/router";
import Koa, { type Context, type Middleware } from "koa";
import type { z } from "zod";
import { addressOf, auditing, type Told } from "../audit-http.ts";
import { TealError } from "../errors.ts";
import {
  asTealError,
  envelope,
  guard,
  readBody,
  requestId,
  retryAfter,
  withinDeadline,
} from "../http.ts";
import { appRoutes } from "./apps.ts";
import { accessRoutes } from "./access.ts";
import { authorise } from "./authorise.ts";
import { buildRoutes } from "./build.ts";
import { certificateRoutes } from "./certificates.ts";
import { configRoutes } from "./config.ts";
import { deployRoutes } from "./deploys.ts";
import { doctorRoutes } from "./doctor.ts";
import { domainRoutes } from "./domains.ts";
import { guardRoutes } from "./guard.ts";
import { runtimeRoutes } from "./runtime.ts";
import { lifeRoutes } from "./life.ts";
import { logRoutes } from "./logs.ts";
import { eventRoutes } from "./events.ts";
import { gcRoutes } from "./gc.ts";
import { hookRoutes } from "./hooks.ts";
import { notificationRoutes } from "./notifications.ts";
import { platformRoutes } from "./platform.ts";
import { registryRoutes } from "./registries.ts";
import type { Once } from "./once.ts";
import { nextLink } from "./page.ts";
import { rateLimits } from "./rates.ts";
import { releaseRoutes } from "./releases.ts";
import { retentionRoutes } from "./retention.ts";
import { routingRoutes } from "./routing.ts";
import { cronRoutes } from "./cron.ts";
import { runRoutes } from "./runs.ts";
import { storageRoutes } from "./storage.ts";
import type { ApiOptions, Route } from "./route.ts";
import { sbomRoutes } from "./sbom.ts";
import { seriesRoutes } from "./series.ts";
import { sourceRoutes } from "./sources.ts";
import { Upgrade, upgrade, wantsUpgrade } from "./upgrade.ts";

const PREFIX = "/api/v1";
/** An upload of which nothing comes for so long is cut off. */
const IDLE_MS = 60_000;
const LINGER_MS = 10_000;

/** All routes of the API: one table for the server, the OpenAPI document, and the tests' matrices. */
export function apiRoutes(options: ApiOptions): Route[] {
  const routes = [
    ...appRoutes(options),
    ...releaseRoutes(options),
    ...retentionRoutes(options),
    ...deployRoutes(options),
    ...sourceRoutes(options),
    ...buildRoutes(options),
    ...configRoutes(options),
    ...domainRoutes(options),
    ...certificateRoutes(options),
    ...routingRoutes(options),
    ...lifeRoutes(options),
    ...guardRoutes(options),
    ...doctorRoutes(options),
    ...seriesRoutes(options),
    ...runtimeRoutes(options),
    ...logRoutes(options),
    ...runRoutes(options),
    ...cronRoutes(options),
    ...storageRoutes(options),
    ...accessRoutes(options),
    ...eventRoutes(options),
    ...registryRoutes(options),
    ...gcRoutes(options),
    ...sbomRoutes(options),
    ...hookRoutes(options),
    ...notificationRoutes(options),
  ];
  return [...platformRoutes(options, routes), ...routes];
}

/** The API under /api/v1, as a Koa application that listens nowhere. Errors are problem+json. */
export function createApi(options: ApiOptions): Koa {
  const { log } = options;
  const api = new Koa();
  // Only what breaks after the answer has begun comes here, such as a client that went away.
  api.on("error", (error: Error) => log.debug({ error: error.message }, "an answer broke off"));
  const router = new Router({ prefix: PREFIX, sensitive: true });
  for (const one of apiRoutes(options)) router[one.method](one.path, serve(one, options));
  api.use(envelope(log, "default-src 'none'; frame-ancestors 'none'"));
  api.use(problems(options));
  api.use(auditing(options.audit, "api"));
  api.use(rateLimits(options.rates));
  api.use(guard("checked"));
  api.use(router.routes());
  api.use(nothingHere);
  return api;
}

function problems({ log }: ApiOptions): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (caught) {
      const error = asTealError(caught, log, requestId(ctx));
      ctx.status = error.status;
      if (error.status === 401) ctx.set("WWW-Authenticate", "Bearer");
      ctx.set(retryAfter(error));
      ctx.body = JSON.stringify({
        type: "about:blank",
        title: error.code,
        status: error.status,
        detail: error.says,
        todo: error.todo,
        instance: requestId(ctx),
      });
      ctx.type = "application/problem+json";
    }
  };
}

/** Runs when no route took the request. */
function nothingHere(ctx: Context): void {
  const layers = (ctx as Context & { matched?: { methods: string[] }[] }).matched ?? [];
  const allowed = [...new Set(layers.flatMap((layer) => layer.methods))];
  const path = ctx.path.slice(0, 200);
  if (allowed.length === 0) throw new TealError("not-found", { path });
  ctx.set("Allow", allowed.join(", "));
  throw new TealError("method-not-allowed", {
    path,
    allowed: allowed.join(", "),
    method: ctx.method,
  });
}

/** One request of a route: who asks and may they, what do they send, the handler, the answer. */
function serve(one: Route, options: ApiOptions): Middleware {
  return async (ctx) => {
    const sent = one.body ? await readJson(ctx) : undefined;
    const granted = withinDeadline(authorise(one, ctx, options));
    const handled = granted.then(async (grant) => {
      const body = one.body && check(one.body, parse(sent), "the body");
      ctx.state["told"] = { body } satisfies Told;
      const work = () =>
        one.handle({
          ...grant,
          params: ctx["params"] as Record<string, string>,
          query: one.query && check(one.query, { ...ctx.query }, "the query"),
          body,
          wantsSocket: wantsUpgrade(ctx.req),
          wantsEvents: one.events === true && ctx.get("Accept").includes("text/event-stream"),
          address: addressOf(ctx.req),
          lastEventId: ctx.get("Last-Event-ID") || undefined,
          upload: ctx.req,
        });
      return onceOnly(one, ctx, options.once, sent, work);
    });
    const answer = await letGoBy(one, ctx, one.slow ? handled : withinDeadline(handled));
    (ctx.state["told"] as Told).answer = answer;
    respond(ctx, one, answer);
  };
}

/** What makes a deploy is done once for each `Idempotency-Key`. */
async function onceOnly(
  one: Route,
  ctx: Context,
  once: Once,
  sent: string | undefined,
  work: () => Promise<unknown>,
): Promise<unknown> {
  const key = ctx.get("Idempotency-Key");
  if (!key || one.method !== "post" || one.status !== 202) return work();
  const caller = createHash("sha256").update(ctx.get("Authorization")).digest("base64url");
  const request = `${ctx.method} ${ctx.url} ${sent ?? ""}`;
  const { answer, again } = await once.run({ key, caller, request }, work);
  if (again) ctx.set("Idempotent-Replayed", "true");
  return answer;
}

/** An upload that is refused is let go by for a while: a connection cut now would hide the answer. */
async function letGoBy<T>(one: Route, ctx: Context, answer: Promise<T>): Promise<T> {
  if (!one.upload) return answer;
  ctx.req.setTimeout(IDLE_MS, () => ctx.req.destroy());
  try {
    return await answer;
  } catch (error) {
    ctx.set("Connection", "close");
    if (!ctx.req.complete) {
      ctx.req.resume();
      setTimeout(() => ctx.req.destroy(), LINGER_MS).unref();
    }
    throw error;
  }
}

function respond(ctx: Context, one: Route, answer: unknown): void {
  if (answer instanceof Upgrade) return upgrade(ctx, answer);
  ctx.status = one.status ?? 200;
  if (one.status === 204) return;
  const streamed = answer !== null && typeof answer === "object" && "pipe" in answer;
  if (streamed) ctx.type = "text/event-stream";
  const next = one.pages && (answer as { next?: unknown }).next;
  if (one.pages && typeof next === "string")
    ctx.set("Link", nextLink(ctx.path, ctx.querystring, one.pages, next));
  ctx.body = answer;
}

async function readJson(ctx: Context): Promise<string> {
  const body = await readBody(ctx);
  if (body.length > 0 && !ctx.is("application/json")) {
    const type = ctx.get("Content-Type").slice(0, 100) || "no type";
    throw new TealError("not-json", { type });
  }
  return body.toString("utf8");
}

function parse(body: string | undefined): unknown {
  if (!body) return {};
  try {
    return JSON.parse(body);
  } catch {
    throw new TealError("bad-request", { detail: "the body is not JSON" });
  }
}

/** What a schema makes of a value. @throws bad-request that says what is wrong */
export function check(schema: z.ZodType, value: unknown, what: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, 3).map(({ path, message }) => {
    return path.length > 0 ? `${path.join(".")}: ${message}` : message;
  });
  throw new TealError("bad-request", { detail: `in ${what}, ${issues.join("; ")}`.slice(0, 500) });
}
