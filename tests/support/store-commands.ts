import fc from "fast-check";
import type { Claim, Store, Swap } from "../../apps/store.ts";
import type { App, Deploy, SettingsChange } from "../../apps/types.ts";
import { app, choose, command, type Commands, type Found, recent } from "./store-pair.ts";
import { LEASE_MS, push, rollback, SWAP_TIMES } from "./store-worlds.ts";

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

/** How deploys are asked for, claimed, and given up. */
export const life: Commands[] = [
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

/** What people change beside deploys. */
export const changes: Commands[] = [
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

export const ways: Commands = fc
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

/** What ends much at once. */
export const rare: Commands[] = [
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
