import { setTimeout as sleep } from "node:timers/promises";
import type { Leases } from "../apps/leases.ts";
import type { Log } from "../apps/log.ts";
import type { Sample, Series, Usage } from "../apps/series.ts";
import type { Store } from "../apps/store.ts";
import type { App, Instance } from "../apps/types.ts";
import { routersThere } from "./acknowledged.ts";
import type { ContainerUsage } from "./engine/usage.ts";
import type { Routers } from "./ports.ts";
import { answersBetween, trafficBetween, type Counted } from "./traffic.ts";
import { isMuchTheSame, usageBetween } from "./usage.ts";

interface Options {
  store: Pick<Store, "listApps" | "listInstances" | "getRelease" | "routers">;
  routers: Pick<Routers, "counts">;
  usageOf(instance: string): Promise<ContainerUsage | null>;
  series: Pick<Series, "append">;
  leases: Pick<Leases, "lead">;
  /** Of this worker. */
  id: string;
  /** ms, monotone */
  now(): number;
  log: Log;
}

/** How often, ms. */
const EVERY = 10_000;
/** An app of which nothing has changed is written down so often, ms. */
const AT_LEAST_EVERY = 60_000;
/** Routers answer within milliseconds, or are away. */
const COUNT_MS = 1000;
/** Looks at containers at the same time. */
const LOOKS = 4;

/** What is remembered of an app from sample to sample. */
interface Seen {
  at: number;
  counted: Counted;
  /** By instance id. */
  usages: Map<string, ContainerUsage>;
  /** By instance id: the cores that it may have; undefined: all. They are its release's and stay. */
  cpus: Map<string, number | undefined>;
  written: { at: number; instances: Record<string, Usage> };
}

/**
 * Sees every ten seconds what each app answers and takes up, and adds it to its series. Of several
 * workers one does: the one that has the lease.
 */
export function createSampler(options: Options) {
  const { store, routers, usageOf, series, leases, id, now, log } = options;
  const seen = new Map<string, Seen>();

  async function round(): Promise<void> {
    if (!(await leases.lead("sample", id, 2.5 * EVERY))) {
      // What another one has written since is not ours to count again.
      seen.clear();
      return;
    }
    const apps = (await store.listApps()).filter((app) => app.live && app.state === "active");
    const ids = await routersThere(store);
    const counted = await Promise.all(apps.map((app) => routers.counts(app.name, ids, COUNT_MS)));
    const samples = new Map<string, Sample>();
    const running = await Promise.all(apps.map((app) => runningOf(app)));
    const usages = await lookAt(running.flat());
    const at = now();
    for (const [i, app] of apps.entries()) {
      const sample = await compare(app, at, counted[i] ?? new Map(), running[i] ?? [], usages);
      if (sample) samples.set(app.name, sample);
    }
    for (const name of seen.keys()) {
      if (!apps.some((app) => keyOf(app) === name)) seen.delete(name);
    }
    await series.append(samples);
  }

  async function runningOf(app: App): Promise<Instance[]> {
    const all = await store.listInstances(app.name);
    return all.filter(
      ({ state }) => state === "live" || state === "healthy" || state === "started",
    );
  }

  async function lookAt(instances: readonly Instance[]): Promise<Map<string, ContainerUsage>> {
    const usages = new Map<string, ContainerUsage>();
    const left = instances.map((one) => one.id);
    const look = async () => {
      for (let one = left.pop(); one !== undefined; one = left.pop()) {
        const usage = await usageOf(one);
        if (usage) usages.set(one, usage);
      }
    };
    await Promise.all(Array.from({ length: LOOKS }, look));
    return usages;
  }

  async function cpusOf(app: App, one: Instance): Promise<number | undefined> {
    const known = seen.get(keyOf(app))?.cpus;
    if (known?.has(one.id)) return known.get(one.id);
    const release = await store.getRelease(app.name, one.release);
    return release?.runtime?.[one.process]?.cpus;
  }

  /** The app since the last sample; null for the first, and when there is nothing new to say. */
  async function compare(
    app: App,
    at: number,
    counted: Counted,
    running: readonly Instance[],
    looked: ReadonlyMap<string, ContainerUsage>,
  ): Promise<Sample | null> {
    const before = seen.get(keyOf(app));
    const [usages, cpus] = [
      new Map<string, ContainerUsage>(),
      new Map<string, number | undefined>(),
    ];
    const instances: Record<string, Usage> = {};
    const answers = before && answersBetween(before.counted, counted);
    const seconds = before ? (at - before.at) / 1000 : 0;
    for (const one of running) {
      const usage = looked.get(one.id);
      if (!usage) continue;
      usages.set(one.id, usage);
      cpus.set(one.id, await cpusOf(app, one));
      const then = before?.usages.get(one.id) ?? null;
      const asked = answers?.get(one.id);
      instances[one.id] = {
        ...usageBetween(one, then, usage, seconds, cpus.get(one.id)),
        ...(asked && asked.requests > 0 && asked),
      };
    }
    const written = before?.written ?? { at: -Infinity, instances: {} };
    const next: Seen = { at, counted, usages, cpus, written };
    seen.set(keyOf(app), next);
    if (!before) return null;
    const colours = trafficBetween(before.counted, counted);
    const quiet = Object.keys(colours).length === 0 && isMuchTheSame(written.instances, instances);
    if (quiet && at - written.at < AT_LEAST_EVERY) return null;
    next.written = { at, instances };
    return { at: Date.now(), seconds: Math.round(seconds * 100) / 100, colours, instances };
  }

  return {
    /** Samples until the signal. */
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await round().catch((error) => log.warn({ error: String(error) }, "no sample taken"));
        await sleep(EVERY, undefined, { signal }).catch(() => {});
      }
    },
    round,
  };
}

/** An app that is made anew under its name is another one. */
function keyOf({ name, id }: App): string {
  return `${name} ${id}`;
}
