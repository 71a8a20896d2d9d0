import type { ErrorPageStatus, RoutePolicy } from "../router/contract.ts";
import type { AppOptions } from "./options.ts";

/** What people may tell the router about one app. Each is a part of its own in the app's options. */
export interface Routing extends Omit<
  RoutePolicy,
  "maintenance" | "stopped" | "restsMs" | "errorPages"
> {
  maintenance?: boolean;
}

/** Pages of the app's own, HTML: while in maintenance, and for the router's own answers. */
export const PAGES = ["maintenance", "502", "503", "504"] as const;
export type PageName = (typeof PAGES)[number];

/** Of one page, in bytes of UTF-8: pages travel with every route. */
export const MAX_PAGE_BYTES = 64 * 1024;

export type RoutingParts = { [K in keyof Routing as `routing.${K}`]?: Routing[K] };
export type PageParts = { [P in PageName as `page.${P}`]?: string };

const PREFIX = "routing.";

/** What people have told the router about the app. */
export function routingOf(options: AppOptions): Routing {
  const told = Object.entries(options).filter(([part]) => part.startsWith(PREFIX));
  return Object.fromEntries(told.map(([part, value]) => [part.slice(PREFIX.length), value]));
}

/** Parts of the options for fields of the routing; null takes one away. */
export function routingParts(change: { [K in keyof Routing]?: Routing[K] | null }) {
  return Object.fromEntries(
    Object.entries(change).map(([field, value]) => [`${PREFIX}${field}`, value]),
  ) as { [K in keyof RoutingParts]?: RoutingParts[K] | null };
}

/**
 * What a route says of its app, made of the app's options. A canonical host that is none of the
 * route's hosts any more is left out: nobody is sent where the app is not.
 */
export function policyOf(options: AppOptions, hosts: string[]): RoutePolicy | undefined {
  const { maintenance, canonicalHost, ...rest } = routingOf(options);
  const page = options["page.maintenance"];
  const errorPages: RoutePolicy["errorPages"] = {};
  for (const status of ["502", "503", "504"] satisfies ErrorPageStatus[]) {
    const own = options[`page.${status}`];
    if (own !== undefined) errorPages[status] = own;
  }
  const policy: RoutePolicy = {
    ...rest,
    ...(maintenance && { maintenance: page === undefined ? {} : { page } }),
    ...(canonicalHost !== undefined && hosts.includes(canonicalHost) && { canonicalHost }),
    ...(options.stopped && { stopped: true }),
    ...(Object.keys(errorPages).length > 0 && { errorPages }),
  };
  return Object.keys(policy).length > 0 ? policy : undefined;
}

/** For a deploy's log, one line: `maxBodyBytes=1048576, maintenance`. */
export function describePolicy(policy: RoutePolicy | undefined): string {
  const { maintenance, errorPages, stopped, restsMs, ...rest } = policy ?? {};
  const said = [
    ...Object.entries(rest).map(([field, value]) => `${field}=${value}`),
    ...(maintenance ? ["maintenance"] : []),
    ...(stopped ? ["stopped"] : []),
    ...(restsMs === undefined ? [] : ["requests are held"]),
    ...(errorPages ? [`pages for ${Object.keys(errorPages).join(", ")}`] : []),
  ];
  return said.length > 0 ? said.join(", ") : "as for every app";
}
