import type { Context } from "koa";
import type { Identity } from "../access.ts";
import { TealError } from "../errors.ts";
import { APP_NAME, type App, type Deploy } from "../types.ts";
import type { DashboardOptions, Route, Visit } from "./route.ts";

/**
 * Who asks, what about, and may they.
 * @throws not-allowed; app-not-found and deploy-not-found also for what the caller may not read
 */
export async function visitOf(
  one: Route,
  ctx: Context,
  options: DashboardOptions,
): Promise<Visit<App | Deploy | null>> {
  const { access } = options;
  const identity = ctx.state["identity"] as Identity;
  const params = ctx["params"] as Record<string, string>;
  const subject = await findSubject(one, params, identity, options);
  const app = subject === null ? undefined : "app" in subject ? subject.app : subject.name;
  if (one.needs !== "token" && !access.may(identity, one.needs, app)) {
    const action = one.kind === "form" ? one.action : "see this page";
    throw new TealError("not-allowed", { who: identity.name, action });
  }
  return {
    subject,
    identity,
    mayPush: access.may(identity, "push", app),
    params,
    query: new URLSearchParams(ctx.querystring),
  };
}

async function findSubject(
  one: Route,
  params: Record<string, string>,
  identity: Identity,
  { store, access }: DashboardOptions,
): Promise<App | Deploy | null> {
  if (one.subject === "platform") return null;
  const name = (params["app"] ?? "").slice(0, 200);
  const readable = APP_NAME.test(name) && access.may(identity, "read", name);
  const app = readable ? await store.getApp(name) : null;
  if (!app) throw new TealError("app-not-found", { name });
  if (one.subject === "app") return app;
  const id = (params["deploy"] ?? "").slice(0, 200);
  const deploy = await store.getDeploy(id);
  if (deploy?.app !== app.name) throw new TealError("deploy-not-found", { id });
  return deploy;
}
