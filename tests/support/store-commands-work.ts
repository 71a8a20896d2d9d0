import fc from "fast-check";
import type { Claim, Store, Swap } from "../../apps/store.ts";
import type { Colour, Instance } from "../../apps/types.ts";
import { choose, command, type Commands, type Model, pick, recent } from "./store-pair.ts";
import { LEASE_MS, SWAP_TIMES } from "./store-worlds.ts";

/** So long that a lease can end meanwhile. */
const LONG_HOLD = { commitMs: 2 * LEASE_MS, holdMs: 3 * LEASE_MS };

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

/** What executors write, in any order, with any claim. */
export const work: Commands[] = [
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
