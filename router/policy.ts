import type { Route, RoutePolicy } from "./contract.ts";
import { pageBytes, waitingPage } from "./pages.ts";
import { portOf } from "./authority.ts";
import type { RequestHead } from "./request-head.ts";

/** An answer of the router's own instead of the app's. */
export interface OwnAnswer {
  status: number;
  says: string;
  /** Lines that go into its head. */
  fields?: string;
  /** In place of the sentence, for clients that take HTML: its bytes, as latin1. */
  html?: string;
}

/** A route's policy, made ready once for all its requests. */
export interface ReadyPolicy {
  /** The answer to a request that the app does not get; null when it gets it. */
  turnAway(head: RequestHead, secure: boolean): OwnAnswer | null;
  /** The app's own page for an answer of the router's, as latin1. */
  page(status: number): string | undefined;
  /** Of a request; Infinity when there is no limit. */
  readonly maxBodyBytes: number;
  /** In ms; 0 for no limit. */
  readonly headersMs: number;
  readonly responseMs: number;
  /** How long a request waits for a target that can be reached; absent: as long as the router lets it. */
  readonly holdMs: number | undefined;
  readonly sticky: boolean;
  /** The app rests, and its requests wait until then, by `performance.now()`. */
  readonly restsUntil: number | undefined;
  /** A line for answers by https; "" for none. */
  readonly hsts: string;
}

/** Where the routers listen, for those who are sent from http to https. */
export interface Ports {
  https: number;
}

const RETRY_AFTER = "Retry-After: 60\r\nCache-Control: no-store\r\nVary: Accept\r\n";

/** Null for a route without one. */
export function readyPolicy({ app, policy }: Route, ports: Ports): ReadyPolicy | null {
  if (policy === undefined) return null;
  const closed = closedAnswer(app, policy);
  const { canonicalHost, httpsRedirect = false } = policy;
  const pages = Object.entries(policy.errorPages ?? {}).map(
    ([status, html]) => [Number(status), pageBytes(html)] as const,
  );
  const pageOf = new Map(pages);
  const maxBodyBytes = policy.maxBodyBytes ?? Infinity;
  const { hstsSeconds = 0 } = policy;
  const hsts = hstsSeconds > 0 ? `Strict-Transport-Security: max-age=${hstsSeconds}\r\n` : "";

  function turnAway(head: RequestHead, secure: boolean): OwnAnswer | null {
    if (closed !== null) return closed;
    const up = httpsRedirect && !secure;
    const host = canonicalHost ?? head.host;
    if ((up || host !== head.host) && head.path !== "*") {
      const away = redirect(head, host, up ? "up" : secure ? "https" : "http", ports);
      return secure ? { ...away, fields: `${away.fields ?? ""}${hsts}` } : away;
    }
    return head.length > maxBodyBytes ? tooLarge(maxBodyBytes) : null;
  }

  return {
    turnAway,
    page: (status) => pageOf.get(status),
    maxBodyBytes,
    headersMs: policy.headersMs ?? 0,
    responseMs: policy.responseMs ?? 0,
    holdMs: policy.holdMs,
    sticky: policy.sticky ?? false,
    restsUntil: policy.restsMs === undefined ? undefined : performance.now() + policy.restsMs,
    hsts,
  };
}

/** To a request that has waited for a new version for as long as it may. */
export function restingAnswer(app: string): OwnAnswer {
  const html = waitingPage("One moment", "A new version is being started.");
  const fields = "Retry-After: 5\r\nCache-Control: no-store\r\nVary: Accept\r\n";
  const says = `A new version of ${app} is being started; it takes longer than requests wait.`;
  return { status: 503, says, fields, html: pageBytes(html) };
}

function closedAnswer(app: string, { maintenance, stopped }: RoutePolicy): OwnAnswer | null {
  if (maintenance) {
    const says = `${app} is in maintenance; come back in a while.`;
    const html = maintenance.page ?? waitingPage("Back soon", "We are working on it right now.");
    return { status: 503, says, fields: RETRY_AFTER, html: pageBytes(html) };
  }
  if (!stopped) return null;
  const html = waitingPage("Not running", "This app has been stopped by its people.");
  return { status: 503, says: `${app} is stopped.`, fields: RETRY_AFTER, html: pageBytes(html) };
}

/**
 * To the same path and query, byte for byte, at a host of the route: the one that the request
 * named, which was found among them, or the canonical one. So nobody is sent elsewhere.
 */
function redirect(
  { method, path, authority }: RequestHead,
  host: string,
  to: "up" | "http" | "https",
  ports: Ports,
): OwnAnswer {
  const named = /:[0-9]{1,5}$/.test(authority);
  const port = !named
    ? ""
    : to === "up"
      ? portText(ports.https)
      : `:${portOf(authority, to !== "http")}`;
  const scheme = to === "http" ? "http" : "https";
  const location = `${scheme}://${host}${port}${path}`;
  const keepsMethod = method !== "GET" && method !== "HEAD";
  return {
    status: keepsMethod ? 308 : 301,
    says: `This is at ${scheme}://${host}${port} now.`,
    fields: `Location: ${location}\r\n`,
  };
}

function portText(port: number): string {
  return port === 443 ? "" : `:${port}`;
}

export function tooLarge(maxBodyBytes: number): OwnAnswer {
  return { status: 413, says: `A body of at most ${maxBodyBytes} bytes was expected.` };
}

/** Does the client say that it takes HTML? `fields`: a request's, names in lower case. */
export function takesHtml(fields: string): boolean {
  const accept = /(?:^|\n)accept:([^\r\n]*)/.exec(fields)?.[1];
  return accept !== undefined && /\btext\/html\b(?!\s*;\s*q=0(?:\.0*)?(?:[,;\s]|$))/i.test(accept);
}
