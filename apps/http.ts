import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Context, Middleware } from "koa";
import { isTealError, TealError } from "./errors.ts";
import { inTime } from "./in-time.ts";
import type { Log } from "./log.ts";

/** What the API and the dashboard have in common as HTTP servers. */

/** Largest request body, in bytes. */
const BODY_LIMIT = 1024 * 1024;
/** Handlers ask only the store; one that takes longer has a store that does not answer. In ms. */
const STORE_DEADLINE = 1500;

const HOST = /^(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const REQUEST_ID = /^[A-Za-z0-9_-]{1,64}$/;
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * The outermost middleware: request id, security headers, one line in the log per request.
 * The log has the path without its query, and no header: secrets never reach it.
 * @param policy Content-Security-Policy of every answer
 */
export function envelope(log: Log, policy: string): Middleware {
  return async (ctx, next) => {
    const began = performance.now();
    const given = ctx.get("X-Request-Id");
    const id = REQUEST_ID.test(given) ? given : randomUUID();
    ctx.state["requestId"] = id;
    ctx.set({
      "X-Request-Id": id,
      "Content-Security-Policy": policy,
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      // Not "no-referrer": browsers then send `Origin: null` with our own forms.
      "Referrer-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cache-Control": "no-store",
    });
    await next();
    const ms = Math.round(performance.now() - began);
    const who = (ctx.state["identity"] as { name: string } | undefined)?.name;
    log.info({ id, method: ctx.method, path: ctx.path, status: ctx.status, ms, who }, "request");
  };
}

/** The request's id, as `envelope` set it. */
export function requestId(ctx: Context): string {
  return ctx.state["requestId"] as string;
}

/**
 * Refuses what no honest client sends: a Host that is more than a name and a port, and a change
 * that another site's page asks for.
 * @param origin "required": a change without an Origin is refused too (for cookies)
 */
export function guard(origin: "checked" | "required"): Middleware {
  return async (ctx, next) => {
    const host = ctx.req.headers.host ?? "";
    if (!HOST.test(host)) {
      throw new TealError("bad-request", { detail: "the Host header is not a name with a port" });
    }
    if (!SAFE_METHODS.has(ctx.method)) {
      const from = ctx.get("Origin");
      const foreign = from ? !isSameOrigin(from, host) : origin === "required";
      if (foreign) throw new TealError("foreign-origin", { origin: from || "nowhere" });
    }
    await next();
  };
}

function isSameOrigin(origin: string, host: string): boolean {
  try {
    const url = new URL(origin);
    return /^https?:$/.test(url.protocol) && url.host === new URL(`${url.protocol}//${host}`).host;
  } catch {
    return false;
  }
}

/**
 * Reads the body, at most `BODY_LIMIT` bytes.
 * @throws too-large (the rest is thrown away and the connection closed), bad-request when it breaks off
 */
export async function readBody(ctx: Context): Promise<Buffer> {
  const refuse = () => {
    ctx.req.resume();
    ctx.set("Connection", "close");
    return new TealError("too-large", { limit: BODY_LIMIT });
  };
  if (Number(ctx.get("Content-Length")) > BODY_LIMIT) throw refuse();
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    ctx.req.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > BODY_LIMIT) reject(refuse());
      else chunks.push(chunk);
    });
    ctx.req.once("end", () => resolve(Buffer.concat(chunks)));
    ctx.req.once("error", () =>
      reject(new TealError("bad-request", { detail: "the body broke off" })),
    );
  });
}

/** Waits for what asks only the store. @throws store-unavailable after `ms` */
export function withinDeadline<T>(work: Promise<T>, ms = STORE_DEADLINE): Promise<T> {
  return inTime(work, ms, () => new TealError("store-unavailable"));
}

/** Any error as one of the table; what is not expected is logged whole and shown as `internal`. */
export function asTealError(error: unknown, log: Log, id: string): TealError {
  if (isTealError(error)) return error;
  if (isStoreDown(error)) return new TealError("store-unavailable", {}, { cause: error });
  if (isClientFault(error)) {
    return new TealError("bad-request", {
      detail: STATUS_CODES[error.status] ?? "it is malformed",
    });
  }
  log.error({ id, error: error instanceof Error ? error.stack : String(error) }, "request failed");
  return new TealError("internal", { detail: `request ${id} is in the platform's log` });
}

/** The header that says when to come again, for an error that names a time. */
export function retryAfter({ status, params }: TealError): Record<string, string> {
  const seconds = Number(params["seconds"] ?? 1);
  return status === 429 ? { "Retry-After": `${seconds}` } : {};
}

/** Koa and its router throw http-errors for, say, a malformed path. */
function isClientFault(error: unknown): error is Error & { status: number } {
  if (!(error instanceof Error) || !("status" in error)) return false;
  return typeof error.status === "number" && error.status >= 400 && error.status < 500;
}

function isStoreDown(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === "MaxRetriesPerRequestError") return true;
  if ("syscall" in error && (error.syscall === "connect" || error.syscall === "read")) return true;
  return /Connection is closed|Stream isn't writeable|^(LOADING|MASTERDOWN|READONLY|MISCONF) /.test(
    error.message,
  );
}
