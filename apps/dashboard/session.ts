import type { Context, Middleware } from "koa";
import type { Access } from "../access.ts";
import { addressOf } from "../audit-http.ts";
import { TealError } from "../errors.ts";
import { withinDeadline } from "../http.ts";

const COOKIE = "teal_session";
/** In ms. */
const LASTS = 12 * 3600 * 1000;

export interface Sessions {
  /** Signs in; false when the token is not valid. */
  begin(ctx: Context, token: string): Promise<boolean>;
  /** Signs a user in whom somebody else vouches for. */
  beginAs(ctx: Context, user: string): Promise<void>;
  end(ctx: Context): Promise<void>;
  /** Lets only those through who are signed in; others see the sign-in page. */
  required: Middleware;
  /** Asks again, for streams that outlive their request's check. */
  stillGood(ctx: Context): () => Promise<boolean>;
}

/**
 * A session is a short-lived token under the one that signed in: when that is revoked, so is the
 * session. The store knows only its digest, and the cookie holds it where scripts cannot read it.
 */
export function createSessions(
  access: Pick<Access, "verifyToken" | "signIn" | "createToken" | "revokeSecret">,
  publicUrl: string,
): Sessions {
  const setCookie = (ctx: Context, value: string | null) =>
    ctx.cookies.set(COOKIE, value, {
      httpOnly: true,
      sameSite: "strict",
      secure: overTls(ctx, publicUrl),
      overwrite: true,
      ...(value !== null && { maxAge: LASTS }),
    });

  async function required(ctx: Context, next: () => Promise<unknown>): Promise<void> {
    const secret = ctx.cookies.get(COOKIE);
    // A cookie is a way to guess tokens, too.
    const from = { address: addressOf(ctx.req) };
    const identity = secret ? await withinDeadline(access.signIn(secret, from)) : null;
    if (identity) {
      ctx.state["identity"] = identity;
      ctx.type = "html";
      await next();
      return;
    }
    // One that has ended is a wrong try once, and not with each page.
    if (secret) setCookie(ctx, null);
    if (ctx.method !== "GET" && ctx.method !== "HEAD") throw new TealError("not-signed-in");
    ctx.status = 303;
    ctx.set("Location", "/sign-in");
  }

  return {
    async begin(ctx, token) {
      const identity = await access.signIn(token, { address: addressOf(ctx.req) });
      if (!identity) return false;
      ctx.state["identity"] = identity;
      const wish = { ...identity, ttlMs: LASTS, under: token, session: true };
      const { secret } = await access.createToken(wish);
      setCookie(ctx, secret);
      return true;
    },
    async beginAs(ctx, user) {
      const wish = { name: "OpenID", user, role: "admin", apps: "*" } as const;
      const { secret } = await access.createToken({ ...wish, ttlMs: LASTS, session: true });
      ctx.state["identity"] = await access.verifyToken(secret);
      setCookie(ctx, secret);
    },
    async end(ctx) {
      const secret = ctx.cookies.get(COOKIE);
      setCookie(ctx, null);
      if (!secret) return;
      ctx.state["identity"] = await access.verifyToken(secret);
      await access.revokeSecret(secret);
    },
    required,
    stillGood(ctx) {
      const secret = ctx.cookies.get(COOKIE) ?? "";
      return async () => (await access.verifyToken(secret)) !== null;
    },
  };
}

/**
 * Whether the browser came over TLS: to us, or to the proxy in front of us that TEAL_PUBLIC_URL names.
 * Who comes by another name, as from the machine itself, may still sign in over plain HTTP.
 */
export function overTls(ctx: Context, publicUrl: string): boolean {
  const { protocol, host } = new URL(publicUrl);
  const isSecure = ctx.secure || (protocol === "https:" && ctx.host.toLowerCase() === host);
  // Else a secure cookie is refused by the library that sets it.
  if (isSecure) ctx.cookies.secure = true;
  return isSecure;
}
