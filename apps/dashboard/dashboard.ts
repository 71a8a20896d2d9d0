import Router from "@koa/router";
import Koa, { type Middleware } from "koa";
import type { Identity } from "../access.ts";
import { auditing, type Told } from "../audit-http.ts";
import { TealError } from "../errors.ts";
import { eventStream } from "../event-stream.ts";
import { asTealError, envelope, guard, requestId, retryAfter, withinDeadline } from "../http.ts";
import type { Log } from "../log.ts";
import { compressed } from "./compress.ts";
import { mergeFeeds, partsFeed } from "./feed.ts";
import { errorPage, layout } from "./layout.ts";
import { accessPages } from "./pages/access.ts";
import { activityPages } from "./pages/activity.ts";
import { appPages } from "./pages/app.ts";
import { configPages } from "./pages/config.ts";
import { cronPages } from "./pages/cron.ts";
import { deployPages } from "./pages/deploys.ts";
import { domainPages } from "./pages/domains.ts";
import { homePages } from "./pages/home.ts";
import { logPages } from "./pages/logs.ts";
import { notificationPages } from "./pages/notifications.ts";
import { peoplePages } from "./pages/people.ts";
import { processPages } from "./pages/processes.ts";
import { releasePages } from "./pages/releases.ts";
import { routingPages } from "./pages/routing.ts";
import { settingsPages } from "./pages/settings.ts";
import { userPages } from "./pages/users.ts";
import { webhookPages } from "./pages/webhooks.ts";
import { readForm, seeOther } from "./posts.ts";
import { eventsOf, type DashboardOptions, type Route, type Shown } from "./route.ts";
import { createRecent } from "./recent.ts";
import { createSessions, type Sessions } from "./session.ts";
import { signingRoutes } from "./signing.ts";
import { serveStatic } from "./static.ts";
import { createSteps } from "./steps.ts";
import { visitOf } from "./visit.ts";
import { withWhere } from "./where.ts";

/** A page asks for much, on a machine that may be busy: a late one is better than none. In ms. */
const PAGE_DEADLINE = 4000;

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

/** All pages and forms behind the sign-in: one table for the server and for the tests' matrices. */
export function dashboardRoutes(options: DashboardOptions): Route[] {
  const pages = {
    ...options,
    recent: createRecent(options.series),
    steps: createSteps(options.deployLog),
  };
  return [
    ...homePages(pages),
    ...appPages(pages),
    ...deployPages(pages),
    ...releasePages(pages),
    ...logPages(pages),
    ...configPages(pages),
    ...processPages(pages),
    ...cronPages(pages),
    ...domainPages(pages),
    ...routingPages(pages),
    ...webhookPages(pages),
    ...notificationPages(pages),
    ...userPages(pages),
    ...peoplePages(pages),
    ...settingsPages(pages),
    ...activityPages(pages),
    ...accessPages(pages),
  ];
}

/** The dashboard as a Koa application that listens nowhere. Sign-in is by token; a session is a cookie. */
export function createDashboard(options: DashboardOptions): Koa {
  const { log } = options;
  const sessions = createSessions(options.access, options.publicUrl);
  const dashboard = new Koa();
  dashboard.on("error", (error: Error) =>
    log.debug({ error: error.message }, "an answer broke off"),
  );
  const outside = new Router();
  signingRoutes(outside, sessions, options);
  const inside = new Router({ sensitive: true });
  for (const one of dashboardRoutes(options)) {
    if (one.kind === "form") inside.post(one.path, serveForm(one, options));
    else {
      inside.get(one.path, servePage(one, options));
      inside.get(eventsOf(one.path), serveEvents(one, sessions, options));
    }
  }
  dashboard.use(envelope(log, POLICY));
  dashboard.use(compressed());
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
      ctx.set(retryAfter(error));
      ctx.type = "html";
      const comes = error.status === 503 && ctx.method === "GET";
      ctx.body = errorPage(error, ctx.state["identity"] as Identity | undefined, comes);
    }
  };
}

type PageRoute = Extract<Route, { kind: "page" }>;
type FormRoute = Extract<Route, { kind: "form" }>;

function servePage(one: PageRoute, options: DashboardOptions): Middleware {
  return async (ctx) => {
    const { visit, shown } = await withinDeadline(
      visitOf(one, ctx, options).then(async (here) => ({
        visit: here,
        shown: await withWhere(await one.show(here), options),
      })),
      PAGE_DEADLINE,
    );
    const { identity } = visit;
    const changes = (shown.main.parts ?? []).length > 0 || one.feeds !== undefined;
    const live = eventsOf(ctx.path) + ctx.search;
    ctx.body = layout({ ...shown, identity, ...(changes && { live }) });
  };
}

/** Asks again who looks at what with each look: a right may end, and an app may go, while a page is open. */
function serveEvents(one: PageRoute, sessions: Sessions, options: DashboardOptions): Middleware {
  return async (ctx) => {
    const visit = await withinDeadline(visitOf(one, ctx, options));
    const { subject } = visit;
    const app = subject === null ? null : "app" in subject ? subject.app : subject.name;
    const parts = partsFeed(
      async () => (await withWhere(await one.show(await visitOf(one, ctx, options)), options)).main,
      (signal) => options.news.listen(app, signal),
    );
    const from = ctx.get("Last-Event-ID") || String(ctx.query["from"] ?? "");
    ctx.type = "text/event-stream";
    ctx.body = eventStream(
      (signal) => mergeFeeds([parts, ...(one.feeds?.(visit) ?? [])], from, signal),
      sessions.stillGood(ctx),
    );
  };
}

function serveForm(one: FormRoute, options: DashboardOptions): Middleware {
  return async (ctx) => {
    const sent = await readForm(ctx);
    const visit = await withinDeadline(visitOf(one, ctx, options));
    ctx.state["told"] = { body: Object.fromEntries(sent) };
    const tell = (told: Told) => (ctx.state["told"] = told);
    const taken = Promise.resolve(one.take(visit, sent, tell));
    const answer: string | Shown = await (one.slow ? taken : withinDeadline(taken));
    if (typeof answer === "string") seeOther(ctx, answer);
    else ctx.body = layout({ ...(await withWhere(answer, options)), identity: visit.identity });
  };
}
