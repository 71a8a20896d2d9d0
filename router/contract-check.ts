import type {
  IdleColours,
  Route,
  RouteCertificate,
  RouteEvent,
  RoutePolicy,
  Target,
} from "./contract.ts";

/** True for something that can be routed by. */
export function isRoute(value: unknown): value is Route {
  if (typeof value !== "object" || value === null) return false;
  const route = value as Partial<Route>;
  return (
    typeof route.app === "string" &&
    Number.isInteger(route.version) &&
    Number.isInteger(route.release) &&
    Number.isFinite(route.drainMs) &&
    Array.isArray(route.hosts) &&
    route.hosts.every((host) => typeof host === "string") &&
    areTargets(route.targets) &&
    (route.policy === undefined || isPolicy(route.policy))
  );
}

const FIELDS = {
  maintenance: "object",
  stopped: "boolean",
  restsMs: "number",
  errorPages: "object",
  httpsRedirect: "boolean",
  canonicalHost: "string",
  maxBodyBytes: "number",
  headersMs: "number",
  responseMs: "number",
  sticky: "boolean",
  hstsSeconds: "number",
  accessLog: "boolean",
  assetFallback: "boolean",
  holdMs: "number",
} satisfies Record<keyof Required<RoutePolicy>, "object" | "boolean" | "string" | "number">;

function areTargets(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    (value as Partial<Target>[]).every(
      ({ id, host, port }) =>
        typeof id === "string" &&
        typeof host === "string" &&
        Number.isInteger(port) &&
        Number(port) > 0 &&
        Number(port) < 65_536,
    )
  );
}

/** True for what a router can send requests for the idle colour by. */
function isIdleColours(value: unknown): value is IdleColours {
  if (typeof value !== "object" || value === null) return false;
  const { app, version, held, standby } = value as Partial<IdleColours>;
  return (
    typeof app === "string" &&
    Number.isInteger(version) &&
    [held, standby].every(
      (one) =>
        one === undefined ||
        (Number.isInteger(one.release) &&
          (one.colour === "blue" || one.colour === "green") &&
          areTargets(one.targets)),
    )
  );
}

/** Fields that are not known here are those of a newer platform, and mean nothing yet. */
function isPolicy(value: unknown): value is RoutePolicy {
  if (typeof value !== "object" || value === null) return false;
  const policy = value as Record<string, unknown>;
  return Object.entries(FIELDS).every(([name, type]) => {
    const field = policy[name];
    if (field === undefined) return true;
    if (type === "object") return typeof field === "object" && field !== null && hasTexts(field);
    return (
      typeof field === type &&
      (type !== "number" || ((field as number) >= 0 && Number.isFinite(field)))
    );
  });
}

function hasTexts(pages: object): boolean {
  return Object.values(pages).every((page) => typeof page === "string");
}

/** True for an event that a router can act on. */
export function isRouteEvent(value: unknown): value is RouteEvent {
  if (typeof value !== "object" || value === null) return false;
  const event = value as Record<string, unknown>;
  if (event["type"] === "route") return isRoute(event["route"]);
  if (event["type"] === "idle") return isIdleColours(event["idle"]);
  if (typeof event["app"] !== "string") return false;
  switch (event["type"]) {
    case "prepare":
      return typeof event["swap"] === "string" && Number.isFinite(event["holdMs"]);
    case "unhold":
      return typeof event["swap"] === "string";
    case "gone":
      return Number.isInteger(event["version"]);
    case "aside":
      return Array.isArray(event["ids"]) && Number.isFinite(event["forMs"]);
    case "count":
      return typeof event["id"] === "string";
    default:
      return false;
  }
}

/** True for something that can be looked up and served. */
export function isCertificate(value: unknown): value is RouteCertificate {
  if (typeof value !== "object" || value === null) return false;
  const one = value as Record<string, unknown>;
  return (
    ["id", "app", "chain", "key", "source"].every((name) => typeof one[name] === "string") &&
    Array.isArray(one["names"]) &&
    one["names"].every((name) => typeof name === "string") &&
    Number.isFinite(one["notBefore"]) &&
    Number.isFinite(one["notAfter"])
  );
}

/** A stored route; null for what is none. */
export function parseRoute(text: string): Route | null {
  try {
    const route: unknown = JSON.parse(text);
    return isRoute(route) ? route : null;
  } catch {
    return null;
  }
}

/** What is stored of idle colours; null for what is no such thing. */
export function parseIdle(text: string): IdleColours | null {
  try {
    const idle: unknown = JSON.parse(text);
    return isIdleColours(idle) ? idle : null;
  } catch {
    return null;
  }
}
