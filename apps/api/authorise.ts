import type { Context } from "koa";
import type { Identity } from "../access.ts";
import { addressOf } from "../audit-http.ts";
import { TealError } from "../errors.ts";
import type { App, Deploy } from "../types.ts";
import { APP_NAME } from "../types.ts";
import type { ApiOptions, Route } from "./route.ts";

interface Granted {
  identity: Identity;
  subject: App | Deploy | null;
  stillAllowed: () => Promise<boolean>;
}

const NOBODY: Identity = { name: "nobody", role: "read", apps: [] };

/**
 * Who asks, what about, and may they. The token comes only in the Authorization header.
 * @throws not-signed-in, not-allowed; app-not-found and deploy-not-found also for what the caller may not read
 */
export async function authorise(one: Route, ctx: Context, options: ApiOptions): Promise<Granted> {
  if (one.needs === "nothing") {
    return { identity: NOBODY, subject: null, stillAllowed: async () => true };
  }
  const secret = /^Bearer +(\S{1,512})$/i.exec(ctx.get("Authorization"))?.[1];
  const from = { address: addressOf(ctx.req) };
  const identity = secret ? await options.access.signIn(secret, from) : null;
  if (!secret || !identity) throw new TealError("not-signed-in");
  ctx.state["identity"] = identity;
  const subject = await findSubject(
    one,
    ctx["params"] as Record<string, string>,
    identity,
    options,
  );
  if (!permits(one, identity, subject, options)) {
    throw new TealError("not-allowed", { who: identity.name, action: one.summary.toLowerCase() });
  }
  const stillAllowed = async () => {
    const now = await options.access.verifyToken(secret);
    return now !== null && permits(one, now, subject, options);
  };
  return { identity, subject, stillAllowed };
}

/** Whether somebody may do with the subject what the route does. */
export function permits(
  { needs }: Pick<Route, "needs">,
  who: Identity,
  subject: App | Deploy | null,
  { access }: Pick<ApiOptions, "access">,
): boolean {
  return needs === "token" || needs === "nothing" || access.may(who, needs, appOf(subject));
}

/** What may not be read is asked for nowhere, so that it takes as long as what is not there. */
export async function findSubject(
  one: Route,
  params: Record<string, string>,
  identity: Identity,
  { store, access }: Pick<ApiOptions, "store" | "access">,
): Promise<App | Deploy | null> {
  if (one.subject === "platform") return null;
  if (one.subject === "app") {
    const name = (params["app"] ?? "").slice(0, 200);
    const readable = APP_NAME.test(name) && access.may(identity, "read", name);
    const app = readable ? await store.getApp(name) : null;
    if (!app) throw new TealError("app-not-found", { name });
    return app;
  }
  const id = (params["deploy"] ?? "").slice(0, 200);
  const owner = /^(.+)-\d{1,15}$/.exec(id)?.[1] ?? "";
  const readable = APP_NAME.test(owner) && access.may(identity, "read", owner);
  const deploy = readable ? await store.getDeploy(id) : null;
  if (!deploy || deploy.app !== owner) throw new TealError("deploy-not-found", { id });
  return deploy;
}

function appOf(subject: App | Deploy | null): string | undefined {
  if (!subject) return undefined;
  return "app" in subject ? subject.app : subject.name;
}
