import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { TealError } from "../../apps/errors.ts";
import type { Claim, Store } from "../../apps/store.ts";
import { INSTANCE_LIFE, type Colour } from "../../apps/types.ts";
import type { World } from "./store-worlds.ts";

export const APPS = ["shop", "blog"] as const;

export interface Found {
  claims: Claim[];
  deploys: string[];
  instances: { id: string; deploy: string; colour: Colour }[];
}

/** What commands find to work with: chosen by index, so that both stores are asked the same. */
export interface Model extends Found {
  /** Of each store: app ids as they were given, which only the store itself knows. */
  ids: Map<string, string>[];
}

export interface Pair {
  worlds: World[];
  /** Per store: what was seen of each instance and route before, to see that it only moves forward. */
  lives: Map<string, number>;
  versions: Map<string, number>;
}

/** Answers alike, whatever the clock and the random ids say. */
function comparable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, function (this: Record<string, unknown>, key, inner: unknown) {
      if (/^(createdAt|startedAt|finishedAt|retiredAt|since)$/.test(key)) return "a time";
      return key === "id" && "createdBy" in this ? "an id" : inner;
    }),
  );
}

async function outcome(run: Promise<unknown>): Promise<unknown> {
  try {
    return { answer: comparable(await run) };
  } catch (error) {
    if (error instanceof TealError) return { refused: error.code, message: error.message };
    throw error;
  }
}

/** All that can be seen of a store. */
async function observe(store: Store): Promise<unknown> {
  const apps = [];
  for (const name of APPS) {
    const deploys = await store.listDeploys(name, 500);
    const steps: unknown[] = [];
    for (const deploy of deploys) steps.push(await store.getSteps(deploy.id));
    apps.push({
      app: await store.getApp(name),
      deploys,
      steps,
      releases: await store.listReleases(name),
      instances: await store.listInstances(name),
      route: await store.getRoute(name),
      settings: await store.getSettings(name),
      removed: await Promise.all(deploys.map((deploy) => store.removedInstances(deploy.id))),
    });
  }
  return comparable([apps, await store.listApps(), await store.appsWithWork()]);
}

/** @throws Error that shows both */
export function assertSame(what: string, [first, second]: unknown[]): void {
  if (isDeepStrictEqual(first, second)) return;
  throw new Error(`${what}\nmemory ${JSON.stringify(first)}\nRedis  ${JSON.stringify(second)}`);
}

/** Invariants that any one store must keep, whoever asks what (docs/architecture.md, "Invariants"). */
async function assertInvariants({ worlds: [world], lives, versions }: Pair): Promise<void> {
  const { store } = world as World;
  for (const app of APPS) {
    const route = await store.getRoute(app);
    const instances = await store.listInstances(app);
    for (const instance of instances) {
      const rank = INSTANCE_LIFE.indexOf(instance.state);
      if (rank < (lives.get(instance.id) ?? 0))
        throw new Error(`${instance.id} went back to ${instance.state}`);
      lives.set(instance.id, rank);
    }
    const version = (await store.getApp(app))?.routeVersion ?? versions.get(app) ?? 0;
    if (version < (versions.get(app) ?? 0))
      throw new Error(`the route of ${app} went back to ${version}`);
    versions.set(app, version);
    for (const target of route?.targets ?? []) {
      const state = instances.find((it) => it.id === target.id)?.state;
      if (state !== "live") throw new Error(`${target.id} is routed to and ${state ?? "removed"}`);
    }
    const slots = new Set(instances.map((it) => it.slot));
    if (slots.size !== instances.length) throw new Error(`two instances of ${app} share a slot`);
    const running = (await store.listDeploys(app, 500)).filter((it) => it.state === "running");
    if (running.length > 1) throw new Error(`two deploys of ${app} run`);
  }
}

type Step = (store: Store, world: World, at: number) => Promise<unknown>;

/** A command asks both stores the same and compares answers, events and all that can be seen. */
export function command(
  title: string,
  step: (model: Model) => Step | null,
  learn: (model: Model, answer: never) => void = () => {},
): fc.AsyncCommand<Model, Pair> {
  return {
    check: (model) => step(model) !== null,
    toString: () => title,
    async run(model, pair) {
      const ask = step(model) as Step;
      const raw: unknown[] = [];
      const outcomes = [];
      for (const [at, world] of pair.worlds.entries()) {
        const asked = ask(world.store, world, at).then((answer) => (raw[at] = answer));
        outcomes.push(await outcome(asked));
      }
      assertSame(`${title}: other answers`, outcomes);
      const seen = [];
      for (const world of pair.worlds) seen.push(await observe(world.store));
      assertSame(`${title}: other states`, seen);
      if (raw.length === 2) learn(model, raw as never);
      await assertInvariants(pair);
    },
  };
}

/** Any of the list. */
export const pick = <T>(list: T[], n: number): T | undefined =>
  list[list.length === 0 ? 0 : n % list.length];

export const app = fc.constantFrom(...APPS);
/** Mostly the newest, so that a way through to a swap is often found; else any, to be refused. */
export const recent = fc.oneof(
  { weight: 5, arbitrary: fc.constant(-1) },
  { weight: 1, arbitrary: fc.nat(50) },
);
export const choose = <T>(list: T[], n: number): T | undefined =>
  n === -1 ? list.at(-1) : pick(list, n);

/** A command with what it is about, of any kind. */
export type Commands = fc.Arbitrary<fc.AsyncCommand<Model, Pair>>;
