import fc from "fast-check";
import type { AppFacts } from "../../apps/app-facts.ts";
import type { CheckLook, ContainerLook, DiskLook } from "../../apps/app-look.ts";
import type { AppOptions } from "../../apps/options.ts";
import type { RouterFacts } from "../../apps/router-sockets.ts";
import type { App, Deploy } from "../../apps/types.ts";
import type { InstanceView } from "../../apps/views.ts";

export const NOW = 1_800_000_000_000;
export const HOUR = 3600_000;
export const MIB = 1024 * 1024;

const LIVE = { colour: "blue", release: 1, deploy: "shop-1", since: NOW - HOUR } as const;

export function instanceOf(more: Partial<InstanceView>): InstanceView {
  return {
    ...{ id: "teal-shop-1-web-1", app: "shop", deploy: "shop-1", release: 1, colour: "blue" },
    ...{ process: "web", index: 1, state: "live", slot: 2, host: "10.0.0.2", port: 5000 },
    ...{ serves: "live", as: 1, crashes: 0 },
    ...more,
  };
}

export function containerOf({
  usage,
  ...more
}: Partial<Omit<ContainerLook, "usage">> & { usage?: object | null } = {}): ContainerLook {
  const used = { cpus: 0.1, periods: 10, throttled: 0, memory: 50 * MIB, pids: 4 };
  return {
    ...{ image: "sha256:1", running: true, exitCode: 0, outOfMemory: false, restarts: 0 },
    ...{ startedAt: NOW - HOUR, addresses: ["10.0.0.2"], mounts: [], env: ["PORT"] },
    limits: { memory: 256 * MIB, cpus: 1, pids: 2048 },
    ...more,
    usage: usage === null ? null : { ...used, ...usage },
  };
}

interface Wish extends Partial<
  Omit<AppFacts, "app" | "settings" | "look" | "lastDeploy" | "watch" | "routers">
> {
  app?: Partial<App>;
  options?: AppOptions;
  /** Of every instance; null: there is none. */
  container?: ContainerLook | null;
  checks?: CheckLook[];
  disks?: DiskLook[];
  noWorker?: boolean;
  lastDeploy?: Partial<Deploy>;
  /** Why the guard swapped back. */
  tripped?: string;
  routers?: Partial<RouterFacts>;
}

/** An app with nothing wrong but what is said. */
export function factsOf(wish: Wish = {}): AppFacts {
  const { app, options = {}, container = containerOf(), checks = [], disks = [] } = wish;
  const { noWorker, lastDeploy, tripped, routers, ...rest } = wish;
  const instances = wish.instances ?? [instanceOf({})];
  const none = { counters: { answers: 0, errors: 0, buckets: [] } };
  return {
    ...{ at: NOW, crashes: [], behind: [], domains: [], certificates: [], attempts: [] },
    ...{ staged: [], gone: [], logs: { used: MIB, budget: 64 * MIB } },
    answers: {},
    traffic: { seconds: 60, requests: 600, errors: 0, p50: 3, p99: 9 },
    ...rest,
    app: {
      ...{ name: "shop", id: "1", createdAt: NOW, createdBy: "ann", state: "active", token: 1 },
      ...{ routeVersion: 1, live: LIVE, standby: null, held: null },
      ...app,
    },
    settings: { staged: {}, formation: {}, domains: [], hold: false, options },
    instances,
    look: noWorker
      ? null
      : { instances: instances.map(({ id }) => ({ id, container, checks })), disks },
    routers: {
      ...{ answering: 1, silent: 0, open: 0, down: [], ejections: 0, held: 0, refused: 0, lost: 0 },
      ...routers,
    },
    lastDeploy: lastDeploy
      ? {
          ...{ id: "shop-2", app: "shop", seq: 2, kind: "push", state: "live", by: "ann", why: "" },
          ...{ createdAt: NOW - HOUR, attempts: 1, cancelRequested: false },
          ...lastDeploy,
        }
      : null,
    watch: tripped
      ? {
          ...{ app: "shop", deploy: "shop-2", seq: 2, release: 2, against: 1 },
          ...{ since: NOW - HOUR, until: NOW, state: "tripped", why: tripped },
          limits: { window: 30, errors: 5, slow: 15, crashes: 2, requests: 20 },
          before: none.counters,
          crashesBefore: { crashes: 0, ms: 0 },
        }
      : null,
  };
}

const DATA = [{ source: "data", target: "/data", writable: true }];
const some = (max: number) => fc.nat(max);
const share = fc.double({ min: 0, max: 1, noNaN: true });

/** Facts of any kind, likely or not. */
export const anyFacts: fc.Arbitrary<AppFacts> = fc
  .record({
    noWorker: fc.boolean(),
    options: fc.constantFrom<AppOptions>(
      {},
      {},
      { stopped: true },
      { "routing.maintenance": true },
    ),
    instances: fc.array(
      fc
        .record({
          index: some(20),
          process: fc.constantFrom("web", "worker"),
          serves: fc.constantFrom("live" as const, "standby" as const, "held" as const, null),
          release: some(3),
          looping: fc.boolean(),
        })
        .map((one) => instanceOf({ ...one, id: `i${one.index}` })),
      { maxLength: 3 },
    ),
    container: fc.option(
      fc
        .record({
          running: fc.boolean(),
          limits: fc.record({
            memory: some(512 * MIB),
            cpus: some(40).map((n) => n / 20),
            pids: some(100),
          }),
          addresses: fc.constantFrom<string[]>([], ["10.0.0.2"], ["10.0.0.9"]),
          mounts: fc.constantFrom<ContainerLook["mounts"]>([], DATA),
          usage: fc.option(
            fc.record({
              ...{ memory: some(512 * MIB), pids: some(100), periods: some(10) },
              ...{ throttled: some(10), cpus: share },
            }),
          ),
        })
        .map(containerOf),
    ),
    checks: fc.array(
      fc.record({
        type: fc.constantFrom("startup" as const, "liveness" as const),
        what: fc.constant("GET / on port 5000"),
        healthy: fc.boolean(),
        says: fc.constantFrom("connection refused", "status 500"),
      }),
      { maxLength: 2 },
    ),
    disks: fc.array(
      fc.record({
        ...{ source: fc.constantFrom("data", "/srv/pictures"), target: fc.constant("/data") },
        ...{ used: some(1e9), whole: fc.boolean(), size: some(1e9), free: some(1e9) },
      }),
      { maxLength: 1 },
    ),
    crashes: fc.array(
      fc.record({
        ...{ at: fc.constant(NOW - 5), instance: some(20).map((n) => `i${n}`), status: some(255) },
        ...{ process: fc.constant("web.1"), release: some(3), deploy: fc.constant("shop-1") },
        cause: fc.constantFrom("exit" as const, "memory" as const, "hung" as const),
      }),
      { maxLength: 5 },
    ),
    traffic: fc.option(
      fc.record({
        ...{ seconds: some(300), requests: some(1000), errors: some(1000) },
        ...{ p50: some(5000), p99: some(9000) },
      }),
    ),
    answers: fc.dictionary(
      fc.nat(20).map((n) => `i${n}`),
      fc.record({ requests: some(500).map((n) => n + 1), errors: some(500) }),
    ),
    routers: fc.record({
      ...{ silent: some(1), ejections: some(9), refused: some(9) },
      down: fc.array(some(20).map((n) => `i${n}`)),
    }),
    behind: fc.array(fc.constant("r1"), { maxLength: 1 }),
    app: fc.constantFrom<Partial<App>>(
      {},
      { live: null },
      { held: { ...LIVE, colour: "green" } },
      { held: { ...LIVE, promoteAt: NOW + 5000 } },
    ),
    lastDeploy: fc.constantFrom<Partial<Deploy>>(
      { state: "failed", error: "no" },
      { state: "failed" },
      { state: "live" },
    ),
    staged: fc.subarray(["A", "B"]),
    gone: fc.subarray([1, 2, 3]),
    domains: fc.array(
      fc.record({
        ...{ host: fc.constant("shop.example"), routed: fc.boolean() },
        owner: fc.constantFrom("shop", "blog", null),
      }),
      { maxLength: 2 },
    ),
    certificates: fc.array(
      fc.record({
        ...{ id: fc.constant("3f2a91"), names: fc.constant<string[]>(["shop.example"]) },
        source: fc.constantFrom("own" as const, "acme" as const),
        notAfter: fc.integer({ min: NOW - 40 * 24 * HOUR, max: NOW + 40 * 24 * HOUR }),
      }),
      { maxLength: 2 },
    ),
    attempts: fc.array(
      fc.record({
        ...{ host: fc.constant("shop.example"), failures: some(5), error: fc.constant("no") },
      }),
      { maxLength: 1 },
    ),
  })
  .map(factsOf);
