import type { IncomingMessage } from "node:http";
import type { Context, Middleware } from "koa";
import type { Identity, Via } from "./access.ts";
import { actionOf, detailOf } from "./audit-actions.ts";
import type { Audit } from "./audit.ts";
import { isTealError, type ErrorCode } from "./errors.ts";

const SAFE: readonly string[] = ["GET", "HEAD", "OPTIONS"];
const REFUSALS: readonly ErrorCode[] = ["not-signed-in", "not-allowed", "foreign-origin"];

/**
 * Notes every change that is asked for in the audit log, done or not, and every refusal. It needs
 * `ctx.state.identity`; a handler may leave the checked body and its answer in `ctx.state.told`.
 */
export function auditing(audit: Pick<Audit, "record">, over: Via["over"]): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      await noteFailure(audit, over, ctx, error);
      throw error;
    }
    if (SAFE.includes(ctx.method) || !patternOf(ctx)) return;
    const outcome = ctx.status < 400 ? "done" : "refused";
    const who = identityOf(ctx) ?? invitedOf(ctx);
    await audit.record(who, viaOf(ctx, over), { ...doingOf(ctx), outcome });
  };
}

/** What a handler tells the audit log. */
export interface Told {
  body?: unknown;
  answer?: unknown;
  /** The route of the API that a form is: what is done is called after it. */
  asked?: { route: string; params?: Record<string, string> };
}

/** A client's address, an IPv4 one as such. */
export function addressOf(req: Pick<IncomingMessage, "socket">): string | null {
  return req.socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "") ?? null;
}

async function noteFailure(
  audit: Pick<Audit, "record">,
  over: Via["over"],
  ctx: Context,
  error: unknown,
): Promise<void> {
  const who = identityOf(ctx);
  if (isTealError(error, "store-unavailable")) return;
  if (!patternOf(ctx) && !isTealError(error, "foreign-origin")) return;
  const isRefusal = isTealError(error, ...REFUSALS);
  if (SAFE.includes(ctx.method) && !isRefusal) return;
  // Who sends no token at all has not tried to come in.
  if (!who && !ctx.get("Authorization") && isTealError(error, "not-signed-in")) return;
  const doing = doingOf(ctx);
  const isStranger = isTealError(error, "not-signed-in");
  await audit.record(who, viaOf(ctx, over), {
    ...doing,
    ...(isStranger && { action: "sign-in" }),
    ...(isTealError(error, "foreign-origin") && { action: "foreign-origin" }),
    outcome: isRefusal || isForeign(error) ? "refused" : "failed",
    error: isTealError(error) ? error.code : "internal",
  });
}

function isForeign(error: unknown): boolean {
  return isTealError(error, "app-not-found", "deploy-not-found");
}

function doingOf(ctx: Context) {
  const { body, answer, asked } = (ctx.state["told"] ?? {}) as Told;
  const own = (ctx["params"] ?? {}) as Record<string, string>;
  const [method = "", pattern = ""] = asked?.route.split(" ") ?? [
    ctx.method,
    patternOf(ctx)?.replace(/^\/api\/v1/, ""),
  ];
  const params = asked ? { ...own, ...asked.params } : own;
  const deploy = deployOf(answer) ?? params["deploy"];
  const app = params["app"] ?? deploy?.replace(/-\d+$/, "") ?? appOf(pattern, body);
  return {
    action: actionOf(method, pattern),
    app: app ?? null,
    detail: detailOf(params, body),
    ...(deploy !== undefined && /^[a-z][a-z0-9-]{0,30}-\d{1,15}$/.test(deploy) && { deploy }),
  };
}

/** A new app's name is in the body. */
function appOf(pattern: string, body: unknown): string | undefined {
  if (pattern !== "/apps" || body === null || typeof body !== "object") return undefined;
  return "name" in body && typeof body.name === "string" ? body.name : undefined;
}

function deployOf(answer: unknown): string | undefined {
  if (answer === null || typeof answer !== "object" || !("deploy" in answer)) return undefined;
  const { deploy } = answer as { deploy: { id?: unknown } | null };
  return typeof deploy?.id === "string" ? deploy.id : undefined;
}

/** Who has just come in by an invitation is in the answer. */
function invitedOf(ctx: Context): { name: string } | null {
  const { answer } = (ctx.state["told"] ?? {}) as Told;
  if (answer === null || typeof answer !== "object" || !("user" in answer)) return null;
  return typeof answer.user === "string" ? { name: answer.user } : null;
}

/** A token that was made for a command over SSH says where that came from. */
function viaOf(ctx: Context, over: Via["over"]): Via {
  return identityOf(ctx)?.via ?? { over, address: addressOf(ctx.req) };
}

function patternOf(ctx: Context): string | undefined {
  return ctx["_matchedRoute"] as string | undefined;
}

function identityOf(ctx: Context): Identity | null {
  return (ctx.state["identity"] as Identity | undefined) ?? null;
}
