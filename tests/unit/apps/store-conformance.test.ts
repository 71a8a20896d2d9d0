import { isDeepStrictEqual } from "node:util";
import test from "ava";
import fc from "fast-check";
import { TealError } from "../../../apps/errors.ts";
import type { Claim, Store, Swap } from "../../../apps/store.ts";
import {
  INSTANCE_LIFE,
  type App,
  type Colour,
  type Deploy,
  type Instance,
  type SettingsChange,
} from "../../../apps/types.ts";
import {
  LEASE_MS,
  memoryWorld,
  push,
  rollback,
  startRedisWorlds,
  SWAP_TIMES,
  type World,
} from "../../support/store-worlds.ts";

const worlds = await startRedisWorlds();
test.after.always(() => worlds.server.stop());

const APPS = ["shop", "blog"] as const;

const INTENTS = [
  push,
  push,
  rollback,
  ...(["config", "restart", "promote", "scale", "domains"] as const).map(
    (kind) => (name: string) => push(name, { kind }),
  ),
  (name: string) => push(name, { hold: true }),
  (name: string) => ({ ...rollback(name), part: "config" as const }),
];

const CHANGES: SettingsChange[] = [
  { staged: { A: "sealed-1", B: "sealed-2" } },
  { staged: { A: null } },
  { formation: { web: 2 } },
  { hold: true },
  { hold: false },
  { addDomains: ["a.example"] },
  { removeDomains: ["a.example"] },
  { addDomains: ["b.example", "c.example"], formation: { worker: 0 } },
];

/** So long that a lease can end meanwhile. */
const LONG_HOLD = { commitMs: 2 * LEASE_MS, holdMs: 3 * LEASE_MS };

interface Found {
  claims: Claim[];
  deploys: string[];
  instances: { id: string; deploy: string; colour: Colour }[];
}

/** What commands find to work with: chosen by index, so that both stores are asked the same. */
interface Model extends Found {
  /** Of each store: app ids as they were given, which only the store itself knows. */
  ids: Map<string, string>[];
}

interface Pair {
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

function assertSame(what: string, [first, second]: unknown[]): void {
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
function command(
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

const pick = <T>(list: T[], n: number): T | undefined =>
  list[list.length === 0 ? 0 : n % list.length];

const app = fc.constantFrom(...APPS);
/** Mostly the newest, so that a way through to a swap is often found; else any, to be refused. */
const recent = fc.oneof(
  { weight: 5, arbitrary: fc.constant(-1) },
  { weight: 1, arbitrary: fc.nat(50) },
);
const choose = <T>(list: T[], n: number): T | undefined => (n === -1 ? list.at(-1) : pick(list, n));

const life: fc.Arbitrary<fc.AsyncCommand<Model, Pair>>[] = [
  app.map((name) =>
    command(`createApp ${name}`, (model) => async (store, _world, at) => {
      const made = await store.createApp(name, "ann");
      model.ids[at]?.set(name, made.id);
      return made;
    }),
  ),
  fc.tuple(app, fc.constantFrom(...INTENTS)).map(([name, intent]) =>
    command(
      `requestDeploy ${intent(name).kind} ${name}`,
      () => (store) => store.requestDeploy(intent(name)),
      (model, [deploy]: [Deploy]) => model.deploys.push(deploy.id),
    ),
  ),
  fc.tuple(app, fc.constantFrom("a", "b")).map(([name, letter]) =>
    command(
      `requestDeploy of delivery ${letter} ${name}`,
      () => (store) => store.requestDeploy(push(name, { delivery: `${name}-${letter}` })),
      (model, [deploy]: [Deploy]) => model.deploys.push(deploy.id),
    ),
  ),
  fc.tuple(app, fc.constantFrom("one", "two")).map(([name, executor]) =>
    command(
      `claim ${name} ${executor}`,
      () => (store) => store.claim(name, executor, LEASE_MS),
      (model, [taken]: [{ claim: Claim } | null]) => taken && model.claims.push(taken.claim),
    ),
  ),
  recent.map((n) =>
    command(`release ${n}`, ({ claims }) => {
      const claim = choose(claims, n);
      return claim ? (store) => store.release(claim) : null;
    }),
  ),
  recent.map((n) =>
    command(`renew ${n}`, ({ claims }) => {
      const claim = choose(claims, n);
      return claim ? (store) => store.renew(claim, "one", LEASE_MS) : null;
    }),
  ),
  recent.map((n) =>
    command(`cancelDeploy ${n}`, ({ deploys }) => {
      const deploy = choose(deploys, n);
      return deploy ? (store) => store.cancelDeploy(deploy, "enough") : null;
    }),
  ),
];

const changes: fc.Arbitrary<fc.AsyncCommand<Model, Pair>>[] = [
  fc
    .tuple(app, fc.constantFrom<SettingsChange>(...CHANGES))
    .map(([name, change]) =>
      command(
        `changeSettings ${name} ${JSON.stringify(change)}`,
        () => (store) => store.changeSettings(name, change),
      ),
    ),
  app.map((name) => command(`dropHeld ${name}`, () => (store) => store.dropHeld(name))),
  recent.map((n) =>
    command(`holdColour ${n}`, ({ claims, deploys, instances }) => {
      const claim = choose(claims, n);
      const deploy = deploys.findLast((id) => id.startsWith(`${claim?.app ?? ""}-`));
      const target = instances.findLast((it) => it.deploy === deploy);
      if (!claim || !deploy || !target) return null;
      const { colour, id } = target;
      const held = { deploy, release: 1, colour, targets: [id], note: "promote it" };
      return (store) => store.holdColour(claim, held);
    }),
  ),
  fc
    .tuple(recent, recent, fc.boolean(), fc.subarray(["a.example", "b.example"]))
    .map(([n, m, two, hosts]) =>
      command(`updateRoute ${n} ${m} ${two} ${hosts.join()}`, ({ claims, instances }) => {
        const claim = choose(claims, n);
        const own = instances.filter((it) => it.deploy.startsWith(`${claim?.app ?? ""}-`));
        const target = choose(m === -1 ? own : instances, m);
        const beside = own.find((it) => it.deploy === target?.deploy && it.id !== target.id);
        if (!claim || !target) return null;
        const targets = [target.id, ...(two && beside ? [beside.id] : [])];
        return async (store) => {
          const expectedVersion = (await store.getApp(claim.app))?.routeVersion ?? 0;
          const update = { targets, expectedVersion, hosts: [`${claim.app}.localhost`, ...hosts] };
          return store.updateRoute(claim, update);
        };
      }),
    ),
];

/** How far a deploy gets before something else happens; 7 is all the way. */
const WAY = 7;

/** The way of a deploy, up to one of its steps. What was found on it is for other commands to disturb. */
async function walk(store: Store, name: string, steps: number, found: Found): Promise<void> {
  const deploy = (await store.requestDeploy(push(name))).id;
  found.deploys.push(deploy);
  const taken = await store.claim(name, "one", LEASE_MS);
  if (!taken || steps < 2) return;
  const { claim } = taken;
  found.claims.push(claim);
  const { live, routeVersion: expectedVersion } = (await store.getApp(name)) as App;
  const colour = live?.colour === "blue" ? "green" : "blue";
  const id = `teal-${taken.deploy.id}-web-1`;
  const swap: Swap = {
    id: `swap-${taken.deploy.id}`,
    deploy: taken.deploy.id,
    release: 1,
    colour,
    startedBy: taken.deploy.id,
    targets: [id],
    expectedVersion,
    hosts: [`${name}.localhost`, "a.example"].slice(0, 1 + (expectedVersion % 2)),
    drainMs: 1000,
  };
  const instance = {
    id,
    deploy: swap.deploy,
    release: 1,
    colour,
    process: "web",
    index: 1,
  } as const;
  found.instances.push(instance);
  const rest = [
    () => store.recordInstances(claim, [instance]),
    () => store.advanceInstance(claim, id, "healthy", { host: "10.213.0.2", port: 5000 }),
    () => store.prepareSwap(claim, swap.deploy, swap.id, SWAP_TIMES),
    () => store.commitSwap(claim, swap),
    () => store.finishDeploy(claim, swap.deploy, "live"),
  ];
  for (const step of rest.slice(0, steps - 2)) await step();
}

const ways: fc.Arbitrary<fc.AsyncCommand<Model, Pair>> = fc
  .tuple(app, fc.oneof(fc.constant(WAY), fc.integer({ min: 1, max: WAY })))
  .map(([name, steps]) => {
    let found: Found = { claims: [], deploys: [], instances: [] };
    return command(
      `walk ${name} ${steps}`,
      () => async (store) => {
        found = { claims: [], deploys: [], instances: [] };
        await walk(store, name, steps, found);
        return found;
      },
      (model) => {
        model.claims.push(...found.claims);
        model.deploys.push(...found.deploys);
        model.instances.push(...found.instances);
      },
    );
  });

const rare: fc.Arbitrary<fc.AsyncCommand<Model, Pair>>[] = [
  fc
    .constantFrom(SWAP_TIMES.commitMs, LEASE_MS / 2, LEASE_MS)
    .map((ms) => command(`${ms} ms pass`, () => (_store, world) => world.elapse(ms))),
  app.map((name) => command(`destroyApp ${name}`, () => (store) => store.destroyApp(name))),
  app.map((name) =>
    command(
      `forgetApp ${name}`,
      (model) => (store, _world, at) => store.forgetApp(name, model.ids[at]?.get(name) ?? "none"),
    ),
  ),
];

/** With the deploy that the claim is for, most often: the newest of the app. */
function working(
  title: string,
  step: (store: Store, claim: Claim, deploy: string, model: Model) => Promise<unknown>,
) {
  return fc.tuple(recent, recent).map(([n, m]) =>
    command(`${title} ${n} ${m}`, (model) => {
      const claim = choose(model.claims, n);
      const own = model.deploys.filter((id) => id.startsWith(`${claim?.app ?? ""}-`));
      const deploy = choose(m === -1 ? own : model.deploys, m);
      return claim && deploy ? (store) => step(store, claim, deploy, model) : null;
    }),
  );
}

const work: fc.Arbitrary<fc.AsyncCommand<Model, Pair>>[] = [
  working("recordStep", (store, claim, deploy) =>
    store.recordStep(claim, deploy, "built", { list: [], n: 1.5 }),
  ),
  working("createRelease", (store, claim, deploy) =>
    store.createRelease(claim, {
      deploy,
      kind: "push",
      commit: "c0ffee",
      image: "sha256:1",
      imageBytes: 1,
      processes: {},
      formation: { web: 1 },
      config: { A: "sealed-1" },
      port: 5000,
      by: "ann",
      why: "git push",
    }),
  ),
  fc
    .tuple(recent, fc.constantFrom<Colour>("blue", "green"), fc.integer({ min: 1, max: 2 }))
    .map(([n, colour, index]) =>
      command(
        `recordInstances ${n} ${colour} ${index}`,
        ({ claims, deploys }) => {
          const claim = choose(claims, n);
          const deploy = deploys.findLast((id) => id.startsWith(`${claim?.app ?? ""}-`));
          if (!claim || !deploy) return null;
          const instance = { deploy, release: 1, colour, process: "web", index };
          const id = `teal-${deploy}-web-${index}`;
          return (store) => store.recordInstances(claim, [{ id, ...instance }]);
        },
        (model, [[instance]]: [Instance[]]) => {
          if (instance && !model.instances.some((it) => it.id === instance.id))
            model.instances.push(instance);
        },
      ),
    ),
  fc
    .tuple(
      recent,
      recent,
      fc.constantFrom<["started" | "healthy", boolean]>(
        ["started", true],
        ["healthy", true],
        ["healthy", false],
      ),
    )
    .map(([n, m, [state, addressed]]) =>
      command(`advanceInstance ${n} ${m} ${state}`, ({ claims, instances }) => {
        const claim = choose(claims, n);
        const instance = choose(instances, m);
        if (!claim || !instance) return null;
        const address = addressed ? { host: "10.213.0.2", port: 5000 } : undefined;
        return (store) => store.advanceInstance(claim, instance.id, state, address);
      }),
    ),
  working("prepareSwap", (store, claim, deploy) =>
    store.prepareSwap(claim, deploy, `swap-${deploy}`, SWAP_TIMES),
  ),
  working("prepareSwap for long", (store, claim, deploy) =>
    store.prepareSwap(claim, deploy, `long-${deploy}`, LONG_HOLD),
  ),
  working("abandonSwap", (store, claim, deploy) => store.abandonSwap(claim, `swap-${deploy}`)),
  fc
    .tuple(
      recent,
      recent,
      recent,
      fc.constantFrom(0, 0, 0, 1),
      fc.subarray(["a.example", "b.example"]),
    )
    .map(([n, m, k, ahead, hosts]) =>
      command(
        `commitSwap ${n} ${m} ${k} ${ahead} ${hosts.join()}`,
        ({ claims, deploys, instances }) => {
          const claim = choose(claims, n);
          const deploy = deploys
            .filter((id) => id.startsWith(`${claim?.app ?? ""}-`))
            .at(m === -1 ? -1 : 0);
          const target = choose(instances, k);
          if (!claim || !deploy || !target) return null;
          return async (store) => {
            const version = (await store.getApp(claim.app))?.routeVersion ?? 0;
            const swap: Swap = {
              id: `swap-${deploy}`,
              deploy,
              release: 1,
              colour: target.colour,
              startedBy: target.deploy,
              targets: [target.id],
              expectedVersion: version + ahead,
              hosts: [`${claim.app}.localhost`, ...hosts],
              drainMs: 1000,
            };
            return store.commitSwap(claim, swap);
          };
        },
      ),
    ),
  fc.tuple(recent, recent, fc.boolean()).map(([n, m, two]) =>
    command(`retire ${n} ${m} ${two}`, ({ claims, instances }) => {
      const claim = choose(claims, n);
      const ids = [choose(instances, m)?.id, two ? instances[0]?.id : undefined].filter(
        (id) => id !== undefined,
      );
      return claim ? (store) => store.retire(claim, ids) : null;
    }),
  ),
  fc.tuple(fc.nat(50), fc.constantFrom("stopped" as const, "removed" as const)).map(([n, state]) =>
    command(`markGone ${n} ${state}`, ({ instances }) => {
      const instance = pick(instances, n);
      return instance ? (store) => store.markGone(instance.id, state) : null;
    }),
  ),
  fc
    .tuple(
      recent,
      recent,
      fc.constantFrom("live" as const, "failed" as const, "cancelled" as const),
    )
    .map(([n, m, state]) =>
      command(`finishDeploy ${n} ${m} ${state}`, ({ claims, deploys }) => {
        const claim = choose(claims, n);
        const deploy = choose(deploys, m);
        return claim && deploy ? (store) => store.finishDeploy(claim, deploy, state, "why") : null;
      }),
    ),
];

test("the store on Redis and the one in memory cannot be told apart", async (t) => {
  let swaps = 0;
  let commands = 0;
  const some = [
    ways,
    ways,
    ways,
    ways,
    ways,
    ways,
    ...life,
    ...life,
    ...changes,
    ...rare,
    ...work,
    ...work,
  ];
  await fc.assert(
    fc.asyncProperty(fc.commands(some, { size: "+2", maxCommands: 120 }), async (sequence) => {
      const pair: Pair = {
        worlds: [memoryWorld(), await worlds.world()],
        lives: new Map(),
        versions: new Map(),
      };
      // both apps are there from the start, so that a sequence gets further
      const ids = [new Map<string, string>(), new Map<string, string>()];
      for (const [at, { store }] of pair.worlds.entries()) {
        for (const name of APPS) ids[at]?.set(name, (await store.createApp(name, "ann")).id);
      }
      const setup = () => ({ model: { claims: [], deploys: [], instances: [], ids }, real: pair });
      await fc.asyncModelRun(setup, sequence);
      const events = await Promise.all(pair.worlds.map((world) => world.events()));
      assertSame("other events", events);
      swaps += events[0]?.filter((event) => event.type === "route").length ?? 0;
      commands += [...sequence].length;
    }),
    { numRuns: 120, endOnFailure: false },
  );
  t.log(`${commands} commands, ${swaps} swaps`);
  t.true(
    swaps > 40,
    `the sequences reach a swap often enough to mean something, not ${swaps} times`,
  );
});
