import { setTimeout as sleep } from "node:timers/promises";
import type { Acme, Attempt } from "../apps/acme.ts";
import { covers } from "../apps/certificate-check.ts";
import type { Certificate, Certificates } from "../apps/certificates.ts";
import type { Log } from "../apps/log.ts";
import type { Store } from "../apps/store.ts";
import { aborted } from "./aborted.ts";
import { CHALLENGES, type Order } from "./acme-order.ts";

export interface OrdersOptions {
  store: Pick<Store, "listApps" | "getApp" | "getRoute" | "getSettings">;
  certificates: Certificates;
  acme: Acme;
  order: Order;
  /** Of this worker. */
  id: string;
  log: Log;
  /** All in ms. */
  times?: Partial<Times>;
}

interface Times {
  everyMs: number;
  leaseMs: number;
  /** After the first failure for a host; twice that after each further one, up to a day. */
  backOffMs: number;
  /** An order that has not come to its end by then has failed; less than the lease, so that it is one worker's. */
  orderMs: number;
}

export interface Orders {
  /** Places the orders that are due, if this worker is the one that does, until the signal. */
  round(signal?: AbortSignal): Promise<void>;
  /** Rounds until the signal. */
  run(signal: AbortSignal): Promise<void>;
}

const TIMES: Times = {
  everyMs: 20_000,
  leaseMs: 120_000,
  backOffMs: 5 * 60_000,
  orderMs: 110_000,
};
const NEVER = new AbortController().signal;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** For all apps together; Let's Encrypt takes 300 in 3 hours. */
const ORDERS_PER_HOUR = 50;
const SOON_MS = 7 * DAY_MS;

interface Wish {
  app: string;
  host: string;
}

/**
 * Orders and renews certificates: for hosts in the route of an app, so for nothing that a client
 * makes up, one order after the other, by one worker of all.
 */
export function createOrders(options: OrdersOptions): Orders {
  const { store, certificates, acme, order, id, log } = options;
  const times = { ...TIMES, ...options.times };
  const told = new Map<string, number>();

  async function round(signal = NEVER): Promise<void> {
    if (!(await acme.lead(id, times.leaseMs))) return;
    const wishes = await wished();
    const all = await certificates.all();
    await warn(all);
    const attempts = await forgetOthers(wishes);
    for (const wish of wishes) {
      if (!isDue(wish, all, attempts)) continue;
      if (!(await acme.lead(id, times.leaseMs))) return;
      if (!(await acme.takeOrder(HOUR_MS, ORDERS_PER_HOUR))) {
        return log.warn({ limit: ORDERS_PER_HOUR }, "certificates wait: enough orders this hour");
      }
      await place(wish, attempts.get(wish.host), signal);
      signal.throwIfAborted();
    }
  }

  async function wished(): Promise<Wish[]> {
    const wishes: Wish[] = [];
    for (const { name: app, state } of await store.listApps()) {
      if (state !== "active") continue;
      const { options: wants } = await store.getSettings(app);
      if (wants.certificates?.auto === false) continue;
      for (const host of (await store.getRoute(app))?.hosts ?? []) {
        if (canBeOrdered(host)) wishes.push({ app, host });
      }
    }
    return wishes;
  }

  /** What was noted of hosts that nobody wants any more goes. */
  async function forgetOthers(wishes: Wish[]): Promise<Map<string, Attempt>> {
    const wanted = new Set(wishes.map(({ host }) => host));
    const kept = new Map<string, Attempt>();
    for (const attempt of await acme.attempts()) {
      if (wanted.has(attempt.host)) kept.set(attempt.host, attempt);
      else await acme.clear(attempt.host);
    }
    return kept;
  }

  async function place(
    { app, host }: Wish,
    before: Attempt | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const failures = before?.failures ?? 0;
    const kind = CHALLENGES[failures % CHALLENGES.length] as (typeof CHALLENGES)[number];
    try {
      const { chain, key } = await Promise.race([order(host, kind), late(signal)]);
      const given = { app, chain, key, source: "acme", by: "teal" } as const;
      const { id: made, notAfter } = await certificates.add(given, [host]);
      await acme.clear(host);
      log.info({ app, host, certificate: made, notAfter }, "a certificate was ordered");
    } catch (error) {
      if (signal.aborted) return;
      const wait = Math.min(DAY_MS, times.backOffMs * 2 ** failures);
      const at = Date.now();
      const says = (error as Error).message.slice(0, 500);
      await acme.note({ host, app, failures: failures + 1, error: says, at, nextAt: at + wait });
      log.warn({ app, host, kind, error: says, waitMs: wait }, "a certificate was not to be had");
      // Both challenges were tried; one notice for a row of failures.
      if (failures + 1 === CHALLENGES.length) await tell(app, "certificate-failed", host);
    }
  }

  /** Rejects when an order takes too long, or this worker stops. */
  async function late(signal: AbortSignal): Promise<never> {
    const timeout = AbortSignal.timeout(times.orderMs);
    return aborted(AbortSignal.any([signal, timeout])).catch((error: unknown) => {
      if (!timeout.aborted) throw error;
      const seconds = Math.round(times.orderMs / 1000);
      throw new Error(
        `The ACME server did not bring the order to its end within ${seconds} s. Nothing is to be done: it is tried again by itself.`,
      );
    });
  }

  /** Once a day for each that is near its end, whoever brought it. */
  async function warn(all: Certificate[]): Promise<void> {
    const now = Date.now();
    const there = new Set(all.map(({ id: of }) => of));
    for (const of of told.keys()) if (!there.has(of)) told.delete(of);
    for (const { id: of, app, names, notAfter } of all) {
      if (notAfter - now > SOON_MS || now - (told.get(of) ?? 0) < DAY_MS) continue;
      told.set(of, now);
      const days = Math.floor((notAfter - now) / DAY_MS);
      log.warn({ app, certificate: of, names, days }, "a certificate is near its end");
      await tell(app, "certificate-ends", `${names.join(", ")}, ${days} days left`);
    }
  }

  async function tell(
    app: string,
    event: "certificate-ends" | "certificate-failed",
    about: string,
  ) {
    const live = (await store.getApp(app))?.live;
    if (live) await acme.tell(live.deploy, event, about);
  }

  return {
    round,
    async run(signal) {
      while (!signal.aborted) {
        await round(signal).catch((error) => log.debug({ error: String(error) }, "no orders now"));
        await sleep(times.everyMs, null, { signal }).catch(() => undefined);
      }
    },
  };
}

/** Wildcards need a DNS challenge; `localhost` is nobody's. */
function canBeOrdered(host: string): boolean {
  return !host.startsWith("*") && !/(?:^|\.)localhost$/.test(host);
}

/** Renewed in the last third of its time; one that somebody brought counts as long as it is valid. */
function isDue({ app, host }: Wish, all: Certificate[], attempts: Map<string, Attempt>): boolean {
  const now = Date.now();
  if ((attempts.get(host)?.nextAt ?? 0) > now) return false;
  return !all.some((one) => {
    if (one.app !== app || !covers(one.names, host)) return false;
    const spare = one.source === "own" ? 0 : (one.notAfter - one.notBefore) / 3;
    return one.notAfter - spare > now;
  });
}
