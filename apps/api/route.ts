import type { Readable } from "node:stream";
import type { z } from "zod";
import type { Access, Identity } from "../access.ts";
import type { AppLogs } from "../app-logs.ts";
import type { Audit } from "../audit.ts";
import type { CronBook } from "../cron.ts";
import type { Settings } from "../config.ts";
import type { Acme } from "../acme.ts";
import type { Certificates } from "../certificates.ts";
import type { Crashes } from "../crashes.ts";
import type { DeployLog } from "../deploy-log.ts";
import type { Deploys } from "../deploys.ts";
import type { Errands } from "../errands.ts";
import type { Git } from "../git.ts";
import type { GoneImages } from "../gone-images.ts";
import type { Log } from "../log.ts";
import type { Notifiers } from "../notifiers.ts";
import type { Registries } from "../registries.ts";
import type { Secrets } from "../secrets.ts";
import type { Redelivering, Senders } from "../senders.ts";
import type { Series } from "../series.ts";
import type { Store } from "../store.ts";
import type { App, Deploy } from "../types.ts";
import type { WorkerDoor } from "../worker-door.ts";
import type { Watches } from "../watches.ts";
import type { Once } from "./once.ts";
import type { Rates } from "./rates.ts";

/** What the API stands on. */
export interface ApiOptions {
  store: Store;
  deploys: Deploys;
  git: Pick<Git, "init" | "exists" | "inspect" | "readRef" | "pin" | "importArchive" | "reposDir">;
  registries: Registries;
  errands: Errands;
  secrets: Secrets;
  deployLog: Pick<DeployLog, "read" | "follow">;
  appLogs: AppLogs;
  workers: WorkerDoor;
  cron: Pick<CronBook, "read">;
  access: Access;
  once: Once;
  /** Requests a minute; generous without it. */
  rates?: Rates;
  audit: Audit;
  senders: Senders;
  webhooks: Redelivering;
  notifiers: Notifiers;
  certificates: Certificates;
  watches: Pick<Watches, "get">;
  crashes: Pick<Crashes, "list">;
  goneImages: Pick<GoneImages, "of">;
  acme: Pick<Acme, "attempts">;
  series: Pick<Series, "read" | "latest">;
  settings: Pick<
    Settings,
    "storageRoots" | "domain" | "routerPort" | "acme" | "oidc" | "appLogBytes"
  > & {
    paths: Pick<Settings["paths"], "run" | "logs">;
  };
  /** Where people and code hosts reach the platform, without a slash at its end. */
  publicUrl: string;
  log: Log;
}

/** What a route is about. Who may not read it is told that it does not exist. */
interface Subjects {
  platform: null;
  /** by the path's `:app` */
  app: App;
  /** by the path's `:deploy` */
  deploy: Deploy;
}

/** A checked request. */
export interface Call<Subject, Query, Body> {
  subject: Subject;
  identity: Identity;
  params: Record<string, string>;
  query: Query;
  body: Body;
  /** The client wants a WebSocket. */
  wantsSocket: boolean;
  /** The client wants server-sent events, and has had those up to `lastEventId`. */
  wantsEvents: boolean;
  lastEventId: string | undefined;
  /** The body of a route that takes an upload, unread. */
  upload: Readable;
  /** The client's. */
  address: string | null;
  /** Asks again whether the caller's token is still good for this route. */
  stillAllowed: () => Promise<boolean>;
}

interface Spec<S extends keyof Subjects, Query, Body> {
  method: "get" | "post" | "delete";
  /** Under /api/v1, with `:params`. */
  path: string;
  summary: string;
  subject: S;
  /** "nothing": no token; "token": any; else what the identity must be allowed to do. */
  needs: "nothing" | "token" | "read" | "push" | "metrics" | "admin";
  query?: z.ZodType<Query>;
  body?: z.ZodType<Body>;
  /** Of the answer; 200 unless said. */
  status?: 200 | 201 | 202 | 204;
  /** Absent for 204. */
  answer?: z.ZodType;
  /** The answer is a page of a list: its `next` is the value of this parameter for the next one. */
  pages?: "before" | "after";
  /** May also answer with server-sent events. */
  events?: boolean;
  /** The body is no JSON and comes as it is: of this type. */
  upload?: string;
  /** It asks more than the store, and may take longer than that. */
  slow?: boolean;
  /** What the answer's body is: JSON, or a stream of events. */
  handle(call: Call<Subjects[S], Query, Body>): Promise<unknown>;
}

/** A route whatever its subject, query and body are. */
export type Route = Omit<Spec<keyof Subjects, unknown, unknown>, "handle"> & {
  handle(call: Call<App | Deploy | null, unknown, unknown>): Promise<unknown>;
};

/** One row of the API: what is checked, what is answered, and the handler. */
export function route<S extends keyof Subjects, Query = unknown, Body = unknown>(
  spec: Spec<S, Query, Body>,
): Route {
  return spec;
}
