import { homedir, totalmem } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { readRanges, type AddressRange } from "./address-ranges.ts";

/** Settings of the platform, read once from the environment (twelve-factor). Times in ms. */
export interface Settings {
  home: string;
  /** Tells this platform's containers, networks and images from those of another on the same machine. */
  namespace: string;
  /** Where the servers listen; 0.0.0.0 by default. */
  bind: string;
  routerPort: number;
  routerTlsPort: number;
  apiPort: number;
  sshPort: number;
  domain: string;
  /** Where the API and the dashboard are reached from outside, without a slash at its end; null: not said. */
  publicUrl: string | null;
  /** null: the launcher's own redis-server on `paths.redisSocket`. */
  redisUrl: string | null;
  routers: number;
  workers: number;
  buildConcurrency: number;
  /** What all builds of this machine together may use: bytes, and cores (null: what is left over). */
  buildMemory: number;
  buildCpus: number | null;
  /** A build that takes longer is ended, unless its app says otherwise. */
  buildTimeoutMs: number;
  /** Bytes of the engine's build cache that are kept; null: it is left alone. */
  buildCache: number | null;
  /** Bytes that the images of releases may take; null: as many as are retained. */
  imageBudget: number | null;
  base: "auto" | "registry" | "bootstrap";
  /** Proxies in front of the routers, whose word about their clients counts. */
  trustedProxies: AddressRange[];
  /** Connections to routers begin with a header of the PROXY protocol. */
  proxyProtocol: boolean;
  /** Where official images come from, `HOST[:PORT][/PREFIX]`; null: the engine's default. */
  registry: string | null;
  /** IPv4 range that the apps' networks are cut from, /25 each. */
  networkPool: string;
  caFile: string | null;
  /** Where certificates are ordered; null: nowhere. */
  acme: { directory: string | null; email: string | null } | null;
  /** An OpenID provider that people may sign in at, and this platform's name there; null: none. */
  oidc: { issuer: string; clientId: string } | null;
  /** Fetch from and notify hosts on private networks too, also by plain http. */
  allowPrivate: boolean;
  /** Apps and builds may reach the metadata service of the cloud that the machine runs in. */
  allowMetadata: boolean;
  drainMs: number;
  /** Lease of an executor on its app. */
  leaseMs: number;
  /** Lease of a router process. */
  routerLeaseMs: number;
  /** Within this time a new instance must be healthy. */
  deployTimeoutMs: number;
  /** Of the logs that are kept of an app's instances. */
  appLogBytes: number;
  /** Folders of this machine that apps may be given as storage. */
  storageRoots: string[];
  paths: Paths;
}

export interface Paths {
  repos: string;
  /** Scratch of running builds. */
  work: string;
  /** Unix sockets and pid files. */
  run: string;
  redis: string;
  redisSocket: string;
  /** Each router's last table. */
  tables: string;
  /** Each router's last certificates, their keys sealed. */
  certificates: string;
  adminToken: string;
  /** The key of config values at rest. */
  secretKey: string;
  sshHostKey: string;
  /** Of commands that come over SSH: Node's compiled code. */
  compileCache: string;
  /** The platform's secret at the OpenID provider, where it has one. */
  oidcSecret: string;
  /** Host keys of the ssh servers that were fetched from. */
  knownHosts: string;
  logs: string;
}

const port = z.coerce.number().int().min(1).max(65535);
const seconds = z.coerce
  .number()
  .positive()
  .transform((s) => Math.round(s * 1000));

/** Bytes, as `512m` or `4g`. */
const size = z
  .string()
  .regex(/^\d{1,6}[mg]$/i, "a size such as 512m or 4g")
  .transform((text) => Number.parseInt(text, 10) * (/g$/i.test(text) ? 1024 ** 3 : 1024 ** 2));
/** Less than this builds nothing. */
const LEAST_BUILD_MEMORY = 256 * 1024 ** 2;

/** Pages, hooks and git stand at the root, so an address with a path would lead nowhere. */
function readOrigin(text: string, context: z.RefinementCtx): string {
  const url = URL.parse(text);
  const bare = url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`;
  if (bare && /^https?:\/\/[^?#]*$/i.test(text)) return url.origin;
  const message = "an address such as https://teal.example.com, without a path, was expected";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

const schema = z.object({
  TEAL_HOME: z.string().optional(),
  TEAL_NAMESPACE: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,20}$/)
    .default("teal"),
  TEAL_BIND: z.string().default("0.0.0.0"),
  TEAL_ROUTER_PORT: port.default(8080),
  TEAL_ROUTER_TLS_PORT: port.default(8443),
  TEAL_API_PORT: port.default(8000),
  TEAL_SSH_PORT: port.default(2222),
  TEAL_DOMAIN: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/)
    .default("localhost"),
  TEAL_PUBLIC_URL: z.string().transform(readOrigin).optional(),
  TEAL_REDIS_URL: z
    .string()
    .regex(/^(rediss?|unix):\/\//)
    .optional(),
  TEAL_ROUTERS: z.coerce.number().int().min(1).max(64).default(1),
  TEAL_WORKERS: z.coerce.number().int().min(1).max(64).default(1),
  TEAL_BUILD_MEMORY: size.optional(),
  TEAL_BUILD_CPUS: z.coerce.number().min(0.1).max(1024).optional(),
  TEAL_BUILD_TIMEOUT: seconds.default(1_800_000),
  TEAL_BUILD_CACHE: size.optional(),
  TEAL_IMAGES: size.optional(),
  TEAL_BUILD_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(2),
  TEAL_BASE: z.enum(["auto", "registry", "bootstrap"]).default("auto"),
  TEAL_REGISTRY: z
    .string()
    .regex(/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*$/)
    .optional(),
  TEAL_NETWORK_POOL: z
    .string()
    .regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/)
    .default("10.213.0.0/16"),
  TEAL_TRUSTED_PROXIES: z
    .string()
    .default("")
    .transform((text, context) => {
      const ranges = readRanges(text);
      if (typeof ranges !== "string") return ranges;
      context.addIssue({
        code: "custom",
        message: `${ranges} is no address or range like 10.0.0.0/8`,
      });
      return z.NEVER;
    }),
  TEAL_PROXY_PROTOCOL: z.enum(["off", "on"]).default("off"),
  TEAL_CA_FILE: z.string().optional(),
  TEAL_ACME: z.enum(["off", "on"]).default("off"),
  TEAL_ACME_DIRECTORY: z
    .string()
    .regex(/^https:\/\/\S+$/)
    .optional(),
  TEAL_ACME_EMAIL: z.email().optional(),
  TEAL_OIDC_ISSUER: z
    .string()
    .regex(/^https?:\/\/[^\s?#@]+$/, "an address such as https://id.example.org was expected")
    .optional(),
  TEAL_OIDC_CLIENT_ID: z
    .string()
    .regex(/^[\u0021-\u007e]{1,200}$/)
    .optional(),
  TEAL_ALLOW_PRIVATE_FETCH: z.enum(["0", "1"]).default("0"),
  TEAL_ALLOW_METADATA: z.enum(["0", "1"]).default("0"),
  TEAL_DRAIN: seconds.default(30_000),
  TEAL_LEASE: seconds.default(10_000),
  TEAL_ROUTER_LEASE: seconds.default(5000),
  TEAL_DEPLOY_TIMEOUT: seconds.default(60_000),
  TEAL_STORAGE_ROOTS: z
    .string()
    .regex(/^\/[^:]*(:\/[^:]*)*$/, "absolute paths, with a colon between them, were expected")
    .optional(),
  TEAL_APP_LOG_MB: z.coerce.number().min(1).max(100_000).default(64),
});

/**
 * Reads the settings. An empty variable counts as unset.
 * @throws Error with one line per wrong setting: its name, what was expected.
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const name = issue.path.join(".");
      return `${name}=${env[name] ?? ""}: ${issue.message}`;
    });
    throw new Error(`Wrong settings:\n  ${lines.join("\n  ")}`);
  }
  const s = parsed.data;
  if (s.TEAL_PROXY_PROTOCOL === "on" && s.TEAL_TRUSTED_PROXIES.length === 0) {
    const why = "only trusted proxies may speak it: set TEAL_TRUSTED_PROXIES";
    throw new Error(`Wrong settings:\n  TEAL_PROXY_PROTOCOL=on: ${why}`);
  }
  const home = s.TEAL_HOME ?? defaultHome();
  return {
    home,
    namespace: s.TEAL_NAMESPACE,
    bind: s.TEAL_BIND,
    routerPort: s.TEAL_ROUTER_PORT,
    routerTlsPort: s.TEAL_ROUTER_TLS_PORT,
    apiPort: s.TEAL_API_PORT,
    sshPort: s.TEAL_SSH_PORT,
    domain: s.TEAL_DOMAIN,
    publicUrl: s.TEAL_PUBLIC_URL ?? null,
    redisUrl: s.TEAL_REDIS_URL ?? null,
    routers: s.TEAL_ROUTERS,
    workers: s.TEAL_WORKERS,
    buildConcurrency: s.TEAL_BUILD_CONCURRENCY,
    buildMemory: Math.max(LEAST_BUILD_MEMORY, s.TEAL_BUILD_MEMORY ?? Math.floor(totalmem() / 2)),
    buildCpus: s.TEAL_BUILD_CPUS ?? null,
    buildTimeoutMs: s.TEAL_BUILD_TIMEOUT,
    buildCache: s.TEAL_BUILD_CACHE ?? null,
    imageBudget: s.TEAL_IMAGES ?? null,
    base: s.TEAL_BASE,
    registry: s.TEAL_REGISTRY ?? null,
    networkPool: s.TEAL_NETWORK_POOL,
    trustedProxies: s.TEAL_TRUSTED_PROXIES,
    proxyProtocol: s.TEAL_PROXY_PROTOCOL === "on",
    caFile: s.TEAL_CA_FILE ?? null,
    acme:
      s.TEAL_ACME === "on"
        ? { directory: s.TEAL_ACME_DIRECTORY ?? null, email: s.TEAL_ACME_EMAIL ?? null }
        : null,
    oidc: oidcOf(s),
    allowPrivate: s.TEAL_ALLOW_PRIVATE_FETCH === "1",
    allowMetadata: s.TEAL_ALLOW_METADATA === "1",
    drainMs: s.TEAL_DRAIN,
    leaseMs: s.TEAL_LEASE,
    routerLeaseMs: s.TEAL_ROUTER_LEASE,
    deployTimeoutMs: s.TEAL_DEPLOY_TIMEOUT,
    storageRoots: s.TEAL_STORAGE_ROOTS?.split(":") ?? [],
    appLogBytes: Math.round(s.TEAL_APP_LOG_MB * 1024 * 1024),
    paths: pathsUnder(home),
  };
}

/** @throws Error */
function oidcOf(s: z.output<typeof schema>): Settings["oidc"] {
  const { TEAL_OIDC_ISSUER: issuer, TEAL_OIDC_CLIENT_ID: clientId } = s;
  if (issuer === undefined && clientId === undefined) return null;
  if (issuer === undefined || clientId === undefined) {
    const why = "TEAL_OIDC_ISSUER and TEAL_OIDC_CLIENT_ID are set together or not at all";
    throw new Error(`Wrong settings:\n  ${why}`);
  }
  if (issuer.startsWith("http:") && s.TEAL_ALLOW_PRIVATE_FETCH === "0") {
    const why = "https:// was expected (plain http takes TEAL_ALLOW_PRIVATE_FETCH=1)";
    throw new Error(`Wrong settings:\n  TEAL_OIDC_ISSUER=${issuer}: ${why}`);
  }
  return { issuer, clientId };
}

function defaultHome(): string {
  return process.getuid?.() === 0 ? "/var/lib/teal" : join(homedir(), ".teal");
}

function pathsUnder(home: string): Paths {
  return {
    repos: join(home, "repos"),
    work: join(home, "work"),
    run: join(home, "run"),
    redis: join(home, "redis"),
    redisSocket: join(home, "run", "redis.sock"),
    tables: join(home, "tables"),
    certificates: join(home, "certificates"),
    adminToken: join(home, "admin-token"),
    secretKey: join(home, "secret-key"),
    sshHostKey: join(home, "ssh-host-key"),
    compileCache: join(home, "cache"),
    oidcSecret: join(home, "oidc-secret"),
    knownHosts: join(home, "known-hosts"),
    logs: join(home, "logs"),
  };
}
