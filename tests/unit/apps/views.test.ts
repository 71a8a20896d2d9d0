import test from "ava";
import type { App, Instance } from "../../../apps/types.ts";
import { statusOf, viewInstances } from "../../../apps/views.ts";

const slot = (deploy: string, release: number) =>
  ({ colour: "blue", release, deploy, since: 0 }) satisfies App["live"];

const APP: App = {
  ...{ name: "shop", id: "1", createdAt: 0, createdBy: "ann", state: "active", token: 1 },
  ...{ routeVersion: 1, live: slot("shop-2", 2), standby: slot("shop-1", 1), held: null },
};

const instance = (deploy: string, index: number, state: Instance["state"]): Instance => ({
  ...{ id: `teal-${deploy}-web-${index}`, app: "shop", deploy, release: 1, colour: "blue" },
  ...{ process: "web", index, state, slot: index },
});

test("an instance serves with its colour, until it is retired; what is scaled away is on its way out", (t) => {
  const views = viewInstances(APP, [
    instance("shop-2", 1, "live"),
    instance("shop-2", 2, "retired"),
    instance("shop-2", 3, "stopped"),
    instance("shop-1", 1, "live"),
    instance("shop-0", 1, "live"),
  ]);
  t.deepEqual(
    views.map((one) => [one.deploy, one.index, one.serves, statusOf(one)]),
    [
      ["shop-0", 1, null, "leaving"],
      ["shop-1", 1, "standby", "standby"],
      ["shop-2", 1, "live", "live"],
      ["shop-2", 2, null, "retired"],
      ["shop-2", 3, null, "stopped"],
    ],
  );
});

test("what its people stopped is said to be stopped, whatever colour it is of", (t) => {
  const views = viewInstances(
    APP,
    [
      instance("shop-2", 1, "live"),
      instance("shop-1", 1, "live"),
      instance("shop-2", 2, "retired"),
    ],
    { rests: true },
  );
  t.deepEqual(views.map(statusOf), ["stopped", "stopped", "retired"]);
});
