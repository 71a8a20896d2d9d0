import type Router from "@koa/router";
import type { Context } from "koa";
import type { Identity } from "../access.ts";
import { addressOf, type Told } from "../audit-http.ts";
import { withinDeadline } from "../http.ts";
import { layout, signInPage } from "./layout.ts";
import { readForm, seeOther } from "./posts.ts";
import { madeOnce } from "./pages/webhooks.ts";
import { providerLink, providerRoutes } from "./provider.ts";
import type { DashboardOptions } from "./route.ts";
import type { Sessions } from "./session.ts";

/** Coming in, by token, by invitation or by a provider, and leaving. */
export function signingRoutes(router: Router, sessions: Sessions, options: DashboardOptions): void {
  const { ask } = options;
  const provider = providerLink(options);
  providerRoutes(router, sessions, options);
  router.get("/sign-in", (ctx) => {
    ctx.type = "html";
    ctx.body = signInPage(provider);
  });
  router.post("/sign-in", async (ctx) => {
    const token = (await readForm(ctx)).get("token")?.trim() ?? "";
    if (token.startsWith("tealinvite_")) return comeIn(ctx, token);
    if (await withinDeadline(sessions.begin(ctx, token))) return seeOther(ctx, "/");
    ctx.status = 401;
    ctx.type = "html";
    ctx.body = signInPage(provider, "That is no valid token.");
  });
  router.post("/sign-out", async (ctx) => {
    await withinDeadline(sessions.end(ctx));
    seeOther(ctx, "/sign-in");
  });

  /** Spends an invitation; the token that comes of it is shown once. */
  async function comeIn(ctx: Context, invitation: string): Promise<void> {
    const request = { route: "post /invitations", body: { invitation: invitation.slice(0, 200) } };
    const answer = await withinDeadline(ask(NOBODY, { ...request, address: addressOf(ctx.req) }));
    ctx.state["told"] = { answer, asked: request } satisfies Told;
    const { user, secret } = answer as { user: string; secret: string };
    await withinDeadline(sessions.begin(ctx, secret));
    ctx.type = "html";
    const main = madeOnce("/", [[`Your token, ${user}: it signs you in from now on`, secret]]);
    ctx.body = layout({ title: "Welcome", main });
  }
}

/** Who has an invitation and nothing yet. */
const NOBODY: Identity = { name: "nobody", role: "read", apps: [] };
