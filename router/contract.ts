/**
 * The route contract: all that passes between the store, the workers and the routers.
 * Routes are kept in the store; changes and answers travel as JSON over two Redis channels.
 */
export interface Target {
  /** Instance id, `teal-shop-12-web-1`. */
  id: string;
  host: string;
  port: number;
}

export interface Route {
  app: string;
  /** Strictly increasing per app. */
  version: number;
  colour: "blue" | "green";
  release: number;
  /** Deploy that wrote it. */
  deploy: string;
  /** Normalised: lower case, no port, no trailing dot. `*.shop.example` is every name with one label before it that is nobody's by name. */
  hosts: string[];
  targets: Target[];
  /** How long requests and sockets on targets that left the route may go on, in ms. */
  drainMs: number;
  /** What the router does for this app beyond passing requests on; absent: nothing. */
  policy?: RoutePolicy;
}

/** Every field may be absent, and then the router's own default holds. Times in ms but where said. */
export interface RoutePolicy {
  /** Answer 503 with this page, or with the router's own. */
  maintenance?: { page?: string };
  /** The app was stopped by its people: answer 503. */
  stopped?: true;
  /** None of its instances runs, for a new version is on its way: hold its requests for so long from receipt, then answer 503. */
  restsMs?: number;
  /** HTML instead of the router's sentence, by status. */
  errorPages?: Partial<Record<ErrorPageStatus, string>>;
  /** Send requests that came by http to https. */
  httpsRedirect?: boolean;
  /** One of the route's hosts: requests at all others are sent there. */
  canonicalHost?: string;
  /** A request with a larger body is refused. */
  maxBodyBytes?: number;
  /** From the end of a request to the head of its answer. */
  headersMs?: number;
  /** From the beginning of a request to the end of its answer, unless that is a stream. */
  responseMs?: number;
  /** A client stays with the instance that answered it first. */
  sticky?: boolean;
  /** In seconds, of Strict-Transport-Security. */
  hstsSeconds?: number;
  /** False: no line for each request. */
  accessLog?: boolean;
  /** False: what the live colour answers with 404 is never asked of the standby. */
  assetFallback?: boolean;
  /** How long a request waits for an instance that can take it. */
  holdMs?: number;
}

export type ErrorPageStatus = "502" | "503" | "504";

/** A certificate as the store keeps it and routers serve it. */
export interface RouteCertificate {
  /** The beginning of its SHA-256. */
  id: string;
  app: string;
  /** Normalised host names, some with `*` as their first label. */
  names: string[];
  /** Brought by somebody, or ordered by the platform. */
  source: "own" | "acme";
  /** PEM, the certificate itself first. */
  chain: string;
  /** The private key in PEM, sealed. */
  key: string;
  notBefore: number;
  notAfter: number;
}

/** What runs beside an app's live colour. It is no part of the route, and no acknowledgement is owed for it. */
export interface IdleColours {
  app: string;
  /** Strictly increasing, over all apps. */
  version: number;
  /** A new version that waits to be promoted. */
  held?: IdleColour;
  /** The release before the live one. */
  standby?: IdleColour;
}

export interface IdleColour {
  colour: "blue" | "green";
  release: number;
  targets: Target[];
}

/** Store/worker to routers, on `channels.routeEvents`. */
export type RouteEvent =
  /** Phase one of a swap: hold new requests of `app` for at most `holdMs` from receipt, and answer `held`. */
  | { type: "prepare"; app: string; swap: string; holdMs: number }
  /** Phase two, and any other change of a route. Flip, let held requests go, answer `flipped`. */
  | { type: "route"; route: Route; swap?: string }
  /** The swap was called off: let held requests go to the route as it is. */
  | { type: "unhold"; app: string; swap: string }
  /** The app is gone: its hosts answer 404. */
  | { type: "gone"; app: string; version: number }
  /** Something else runs beside the live colour of an app, or nothing. */
  | { type: "idle"; idle: IdleColours }
  /** For `forMs` from receipt no request of `app` goes to the targets `ids`, unless there are no others. The last word counts. */
  | { type: "aside"; app: string; ids: string[]; forMs: number }
  /** Answer `count` with the app's counters. */
  | { type: "count"; app: string; id: string };

/** Cumulative since the router process started, per app. */
export interface Counters {
  /** Requests answered by a target, by release number. */
  served: Record<string, number>;
  /** Requests that waited for a swap. */
  held: number;
  /** Requests sent a second time, on a fresh connection. */
  retried: number;
  /** Explicit 503 answers by the router. */
  refused: number;
  /** Requests begun by a client that got a 502/504 or a cut answer through no fault of the client's. */
  lost: number;
  /** By release number; the newest few. */
  releases: Record<string, ReleaseCounters>;
  /** By instance id: those that it sends requests to now, in any colour. Absent: of an older router. */
  targets?: Record<string, TargetCounters>;
}

/** What one instance has answered, in whichever colour, since the router came to know it. */
export interface TargetCounters {
  /** When it did, ms since the epoch: counts of another time are other counts. */
  since: number;
  /** The instance's own answers by the first digit of their status, 0 to 5. */
  byClass: number[];
  /** Requests that it did not take or did not answer, though another instance may have. */
  failed: number;
  /** Answers of its own that broke off behind their head. */
  cut: number;
}

/** What was answered in a release's name, since the router process started. */
export interface ReleaseCounters {
  colour: "blue" | "green";
  /** Answers by the first digit of their status, 0 to 5; those of the router's own are among them. */
  byClass: number[];
  /** Answers that the router made itself, because no instance gave one. */
  own: Record<502 | 503 | 504, number>;
  /** Answers of an instance that broke off behind their head. */
  cut: number;
  /** Event streams and WebSockets begun. */
  streams: number;
  /** Answers whose head was there within each of LATENCY_MS, and above all of them. */
  buckets: number[];
  /** Sum of these times, in seconds. */
  seconds: number;
}

/** Upper bounds of the latency histogram. */
export const LATENCY_MS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000];

/** Routers to workers, on `channels.routeAcks`. */
export type RouteAck =
  | { type: "held"; router: string; app: string; swap: string }
  | {
      type: "flipped";
      router: string;
      app: string;
      version: number;
      swap?: string;
      /** From the start of the hold to its end, ms; 0 when nothing was held open. */
      holdMs: number;
      heldRequests: number;
      /** How long those that were held waited, ms; a sample when they were many. */
      waits?: number[];
      /** Requests and streams open on the old targets at the swap, which go on there. */
      draining?: number;
    }
  | { type: "count"; router: string; app: string; id: string; counters: Counters };

/** What a router tells with each heartbeat (key `router(ID)`), besides renewing its lease. */
export interface RouterReport {
  id: string;
  /** Machine and process, so that a worker there can tell a dead router from one that is cut off. */
  host: string;
  pid: number;
  /** App to the route version that this router routes by. */
  acks: Record<string, number>;
  /** Instance id to open requests and sockets, for targets that are in no current route. */
  busy: Record<string, number>;
}
