import type { Access, Identity } from "../access.ts";
import type { Acme } from "../acme.ts";
import type { AppLogs } from "../app-logs.ts";
import type { Told } from "../audit-http.ts";
import type { Audit } from "../audit.ts";
import type { Certificates } from "../certificates.ts";
import type { Settings } from "../config.ts";
import type { Crashes } from "../crashes.ts";
import type { CronBook } from "../cron.ts";
import type { DeployLog } from "../deploy-log.ts";
import type { Deploys } from "../deploys.ts";
import type { Diagnoses } from "../diagnoses.ts";
import type { GoneImages } from "../gone-images.ts";
import type { Log } from "../log.ts";
import type { News } from "../news.ts";
import type { Notifiers } from "../notifiers.ts";
import type { Oidc } from "../oidc.ts";
import type { Secrets } from "../secrets.ts";
import type { Redelivering, Senders } from "../senders.ts";
import type { Series } from "../series.ts";
import type { Spent } from "../spent.ts";
import type { Store } from "../store.ts";
import type { App, Deploy } from "../types.ts";
import type { Watches } from "../watches.ts";
import type { Feed } from "./feed.ts";
import type { Html } from "./html.ts";
import type { Recent } from "./recent.ts";
import type { Steps } from "./steps.ts";

/** A request of the API that a form makes. */
export interface ApiRequest {
  /** Method and path of a route, `post /apps/:app/routing`. */
  route: string;
  /** Besides the app. */
  params?: Record<string, string>;
  body?: unknown;
  /** Whence the browser asks; counts for what is limited by address. */
  address?: string | null;
}

/** What the dashboard stands on. */
export interface DashboardOptions {
  /** The API, inside this process. */
  ask(identity: Identity, request: ApiRequest): Promise<unknown>;
  store: Store;
  deploys: Omit<Deploys, "push">;
  deployLog: Pick<DeployLog, "read" | "follow">;
  access: Access;
  appLogs: AppLogs;
  audit: Pick<Audit, "record" | "list">;
  certificates: Certificates;
  acme: Pick<Acme, "attempts">;
  cron: Pick<CronBook, "read">;
  watches: Pick<Watches, "get">;
  crashes: Pick<Crashes, "list">;
  goneImages: Pick<GoneImages, "of">;
  diagnoses: Diagnoses;
  secrets: Secrets;
  senders: Senders;
  webhooks: Redelivering;
  notifiers: Notifiers;
  series: Pick<Series, "read" | "latest">;
  news: Pick<News, "listen">;
  settings: Pick<Settings, "domain" | "routerPort" | "acme">;
  /** An OpenID provider that people may sign in at. */
  oidc: Oidc | null;
  spent: Spent;
  /** Where people reach this dashboard, without a path. */
  publicUrl: string;
  log: Log;
}

/** What pages are made from besides: what they remember of earlier looks. */
export interface PageOptions extends DashboardOptions {
  recent: Recent;
  steps: Steps;
}

/** What a page is about. Who may not read it is told that it does not exist. */
interface Subjects {
  platform: null;
  /** by the path's `:app` */
  app: App;
  /** by the path's `:deploy`, within `:app` */
  deploy: Deploy;
}

/** A page or form that somebody who may have it asks for. */
export interface Visit<Subject = unknown> {
  subject: Subject;
  identity: Identity;
  /** May change what the page is about. */
  mayPush: boolean;
  params: Record<string, string>;
  query: URLSearchParams;
}

/** What is under an app's name. */
export type Tab =
  | "overview"
  | "deploys"
  | "releases"
  | "logs"
  | "config"
  | "processes"
  | "cron"
  | "domains"
  | "routing"
  | "settings"
  | "people"
  | "webhooks"
  | "notifications"
  | "activity";

export interface Shown {
  title: string;
  main: Html;
  /** Of an app's page: the app, and which of its pages. */
  app?: string;
  tab?: Tab;
  /** Where each of the page's other feeds goes on after what is shown; "" is its beginning. */
  from?: string[];
}

type Needs = "token" | "read" | "push" | "admin";

interface PageSpec<S extends keyof Subjects> {
  kind: "page";
  path: string;
  subject: S;
  needs: Needs;
  show(visit: Visit<Subjects[S]>): Promise<Shown>;
  /** What the page's stream carries besides its parts: as many as `show` says where to go on. */
  feeds?(visit: Visit<Subjects[S]>): Feed[];
}

interface FormSpec<S extends keyof Subjects> {
  kind: "form";
  path: string;
  subject: S;
  needs: Needs;
  /** What it does, as in "ann may not …". */
  action: string;
  /** It waits for more than the store, a container that starts say. */
  slow?: boolean;
  /**
   * @param tell takes what the audit log is to know of it
   * @returns the path to go to, or a page to be seen once
   */
  take(visit: Visit<Subjects[S]>, form: URLSearchParams, tell: Tell): Promise<string | Shown>;
}

export type Tell = (told: Told) => void;

/** A row of the dashboard, whatever its subject is. */
export type Route =
  | (Omit<PageSpec<keyof Subjects>, "show" | "feeds"> & {
      show(visit: Visit<App | Deploy | null>): Promise<Shown>;
      feeds?(visit: Visit<App | Deploy | null>): Feed[];
    })
  | (Omit<FormSpec<keyof Subjects>, "take"> & {
      take(
        visit: Visit<App | Deploy | null>,
        form: URLSearchParams,
        tell: Tell,
      ): Promise<string | Shown>;
    });

/** A page, kept current by the stream at its path + `/events`. */
export function page<S extends keyof Subjects>(spec: Omit<PageSpec<S>, "kind">): Route {
  return { ...spec, kind: "page" };
}

/** What a form of a page does. */
export function form<S extends keyof Subjects>(spec: Omit<FormSpec<S>, "kind">): Route {
  return { ...spec, kind: "form" };
}

/** Where a page's stream is. */
export function eventsOf(path: string): string {
  return path === "/" ? "/events" : `${path}/events`;
}
