import type Router from "@koa/router";
import type { Context } from "koa";
import { addressOf } from "../audit-http.ts";
import { isTealError, TealError } from "../errors.ts";
import { withinDeadline } from "../http.ts";
import type { SignInTry } from "../oidc.ts";
import { signedInPage } from "./layout.ts";
import type { DashboardOptions } from "./route.ts";
import { overTls, type Sessions } from "./session.ts";

/** Holds, sealed, what the provider's answer has to fit. Not strict: the provider's site leads back. */
const COOKIE = "teal_sign_in";
const TRY_MS = 10 * 60_000;
const BEGIN = "/sign-in/provider";
/** Where the provider sends the browser back to. */
export const PROVIDER_ANSWER = "/sign-in/provider/answer";

type Options = Pick<
  DashboardOptions,
  "oidc" | "secrets" | "access" | "audit" | "publicUrl" | "spent"
>;

/** The way to the provider's sign-in, from the sign-in page; null without a provider. */
export function providerLink({ oidc, publicUrl }: Options) {
  // Begun where it will end: cookies are a host's own.
  return oidc && { name: oidc.name, href: new URL(BEGIN, publicUrl).href };
}

/** Sign-in at an OpenID provider: there, and back with a session or a page that says why not. */
export function providerRoutes(router: Router, sessions: Sessions, options: Options): void {
  const { oidc, secrets, access, audit, publicUrl, spent } = options;
  if (!oidc) return;

  const setCookie = (ctx: Context, value: string | null) =>
    ctx.cookies.set(COOKIE, value, {
      ...{ httpOnly: true, sameSite: "lax", path: BEGIN, overwrite: true },
      secure: overTls(ctx, publicUrl),
      ...(value !== null && { maxAge: TRY_MS }),
    });

  /** @throws sign-in-stale */
  async function triedBy(ctx: Context): Promise<SignInTry> {
    const tried = opened(ctx.cookies.get(COOKIE) ?? "");
    const isOwn = tried !== null && tried.until > Date.now() && ctx.query["state"] === tried.state;
    if (!isOwn || !(await withinDeadline(spent.spend(tried.state, TRY_MS))))
      throw new TealError("sign-in-stale");
    return tried;
  }

  function opened(cookie: string): (SignInTry & { until: number }) | null {
    try {
      return JSON.parse(secrets.open("*", COOKIE, cookie)) as SignInTry & { until: number };
    } catch {
      return null;
    }
  }

  router.get(BEGIN, async (ctx) => {
    const { url, tried } = await oidc.begin();
    const kept = JSON.stringify({ ...tried, until: Date.now() + TRY_MS });
    setCookie(ctx, secrets.seal("*", COOKIE, kept));
    ctx.status = 303;
    ctx.set("Location", url);
  });

  router.get(PROVIDER_ANSWER, async (ctx) => {
    const address = addressOf(ctx.req);
    const via = { over: "dashboard", address } as const;
    try {
      const user = await access.vouch(address, async () => {
        const tried = await triedBy(ctx);
        const answer = new URL(PROVIDER_ANSWER, publicUrl);
        answer.search = ctx.search;
        const vouched = await oidc.finish(answer, tried);
        return withinDeadline(access.users.vouched(vouched));
      });
      await withinDeadline(sessions.beginAs(ctx, user));
      const doing = { action: "sign-in", detail: { provider: oidc.name } };
      await audit.record({ name: user, with: "OpenID" }, via, doing);
    } catch (error) {
      const code = isTealError(error) ? error.code : "internal";
      const detail = { provider: oidc.name };
      await audit.record(null, via, { action: "sign-in", outcome: "refused", error: code, detail });
      throw error;
    } finally {
      setCookie(ctx, null);
    }
    ctx.type = "html";
    ctx.set("Refresh", "0; url=/");
    ctx.body = signedInPage(ctx.state["identity"]);
  });
}
