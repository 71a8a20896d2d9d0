import Router from "@koa/router";
import Koa, { type Context, type Middleware } from "koa";
import type { Access, Identity } from "../access.ts";
import { auditing } from "../audit-http.ts";
import type { Audit } from "../audit.ts";
import type { Settings } from "../config.ts";
import type { DeployLog } from "../deploy-log.ts";
import type { Deploys } from "../deploys.ts";
import { TealError } from "../errors.ts";
import { deployEvents, eventStream, isLineId } from "../event-stream.ts";
import { asTealError, envelope, guard, readBody, requestId, withinDeadline } from "../http.ts";
import type { Log } from "../log.ts";
import type { Store } from "../store.ts";
import { appPage } from "./app-page.ts";
import { deployPage } from "./deploy-page.ts";
import { homePage, stateOf } from "./home.ts";
import { errorPage, signInPage } from "./layout.ts";
import { createLook, type Look } from "./look.ts";
import { createSessions, type Sessions } from "./session.ts";
import { serveStatic } from "./static.ts";

export interface DashboardOptions {
  store: Store;
  deploys: Pick<Deploys, "rollback" | "cancel">;
  deployLog: Pick<DeployLog, "read" | "follow">;
  access: Pick<Access, "verifyToken" | "createToken" | "revokeSecret" | "may">;
  audit: Pick<Audit, "record">;
  settings: Pick<Settings, "domain" | "routerPort">;
  log: Log;
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");
const LOG_LINES = 20_000;

/** The dashboard as a Koa application that listens nowhere. Sign-in is by token; a session is a cookie. */
export function createDashboard(options: DashboardOptions): Koa {
  const { log } = options;
  const sessions = createSessions(options.access);
  const dashboard = new Koa();
  dashboard.on("error", (error: Error) =>
    log.debug({ error: error.message }, "an answer broke off"),
  );
  const outside = new Router();
  signingRoutes(outside, sessions);
  const inside = new Router({ sensitive: true });
  const look = createLook(options);
  pageRoutes(inside, look, options);
  streamRoutes(inside, look, sessions, options);
  changeRoutes(inside, look, options);
  dashboard.use(envelope(log, POLICY));
  dashboard.use(errorPages(log));
  dashboard.use(auditing(options.audit, "dashboard"));
  dashboard.use(guard("required"));
  dashboard.use(serveStatic());
  dashboard.use(outside.routes());
  dashboard.use(sessions.required);
  dashboard.use(inside.routes());
  dashboard.use((ctx) => {
    throw new TealError("not-found", { path: ctx.path.slice(0, 200) });
  });
  return dashboard;
}

function errorPages(log: Log): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (caught) {
      const error = asTealError(caught, log, requestId(ctx));
      ctx.status = error.status;
      ctx.type = "html";
      ctx.body = errorPage(error, ctx.state["identity"] as Identity | undefined);
    }
  };
}

function signingRoutes(router: Router, sessions: Sessions): void {
  router.get("/sign-in", (ctx) => {
    ctx.type = "html";
    ctx.body = signInPage();
  });
  router.post("/sign-in", async (ctx) => {
    const token = (await readForm(ctx)).get("token")?.trim() ?? "";
    if (await withinDeadline(sessions.begin(ctx, token))) return seeOther(ctx, "/");
    ctx.status = 401;
    ctx.type = "html";
    ctx.body = signInPage("That is no valid token.");
  });
  router.post("/sign-out", async (ctx) => {
    await withinDeadline(sessions.end(ctx));
    seeOther(ctx, "/sign-in");
  });
}

function pageRoutes(router: Router, look: Look, { access, deployLog }: DashboardOptions): void {
  router.get("/", async (ctx) => {
    const { apps, commits } = await withinDeadline(look.home(identityOf(ctx)));
    ctx.body = homePage(apps, commits, identityOf(ctx));
  });
  router.get("/apps/:app", async (ctx) => {
    const page = await withinDeadline(look.app(identityOf(ctx), param(ctx, "app")));
    const mayPush = access.may(identityOf(ctx), "push", page.app.name);
    ctx.body = appPage(page, identityOf(ctx), mayPush);
  });
  router.get("/apps/:app/deploys/:deploy", async (ctx) => {
    const deploy = await withinDeadline(
      look.deploy(identityOf(ctx), param(ctx, "app"), param(ctx, "deploy")),
    );
    const lines = await withinDeadline(deployLog.read(deploy.id, undefined, LOG_LINES));
    ctx.body = deployPage(
      deploy,
      lines,
      identityOf(ctx),
      access.may(identityOf(ctx), "push", deploy.app),
    );
  });
}

function streamRoutes(
  router: Router,
  look: Look,
  sessions: Sessions,
  options: DashboardOptions,
): void {
  const stream = (ctx: Context, source: Parameters<typeof eventStream>[0]) => {
    ctx.type = "text/event-stream";
    ctx.body = eventStream(source, sessions.stillGood(ctx));
  };
  router.get("/events", async (ctx) => {
    const identity = identityOf(ctx);
    stream(ctx, (signal) =>
      look.changes(async () => stateOf((await look.home(identity)).apps), signal),
    );
  });
  router.get("/apps/:app/events", async (ctx) => {
    const [identity, name] = [identityOf(ctx), param(ctx, "app")];
    await withinDeadline(look.app(identity, name));
    stream(ctx, (signal) =>
      look.changes(async () => stateOf(await look.app(identity, name)), signal),
    );
  });
  router.get("/apps/:app/deploys/:deploy/log", async (ctx) => {
    const deploy = await withinDeadline(
      look.deploy(identityOf(ctx), param(ctx, "app"), param(ctx, "deploy")),
    );
    const from = ctx.get("Last-Event-ID") || String(ctx.query["after"] ?? "");
    const after = isLineId(from) ? from : undefined;
    stream(ctx, (signal) => deployEvents(options, deploy.id, after, signal));
  });
}

function changeRoutes(router: Router, look: Look, { access, deploys }: DashboardOptions): void {
  const demandPush = (identity: Identity, app: string, action: string) => {
    if (!access.may(identity, "push", app))
      throw new TealError("not-allowed", { who: identity.name, action });
  };
  router.post("/apps/:app/rollback", async (ctx) => {
    const identity = identityOf(ctx);
    const { app } = await withinDeadline(look.app(identity, param(ctx, "app")));
    demandPush(identity, app.name, `roll ${app.name} back`);
    const to = readRelease((await readForm(ctx)).get("to"));
    const wish = { app: app.name, by: identity.name, ...(to !== undefined && { to }) };
    const deploy = await withinDeadline(deploys.rollback(wish));
    seeOther(ctx, `/apps/${app.name}/deploys/${deploy.id}`);
  });
  router.post("/apps/:app/deploys/:deploy/cancel", async (ctx) => {
    const identity = identityOf(ctx);
    const deploy = await withinDeadline(
      look.deploy(identity, param(ctx, "app"), param(ctx, "deploy")),
    );
    demandPush(identity, deploy.app, `cancel ${deploy.id}`);
    await withinDeadline(deploys.cancel(deploy.id, identity.name));
    seeOther(ctx, `/apps/${deploy.app}/deploys/${deploy.id}`);
  });
}

function readRelease(given: string | null): number | undefined {
  if (given === null) return undefined;
  if (/^[1-9]\d{0,8}$/.test(given)) return Number(given);
  throw new TealError("bad-request", { detail: "the form's release is not a number" });
}

function identityOf(ctx: Context): Identity {
  return ctx.state["identity"] as Identity;
}

function param(ctx: Context, name: string): string {
  return ((ctx["params"] as Record<string, string>)[name] ?? "").slice(0, 200);
}

async function readForm(ctx: Context): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(ctx)).toString("utf8"));
}

/** To a path of our own, never one made from the request's Host. */
function seeOther(ctx: Context, path: string): void {
  ctx.status = 303;
  ctx.set("Location", path);
}
