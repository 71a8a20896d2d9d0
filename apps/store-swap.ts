import type { Route, RouteEvent, Target } from "../router/contract.ts";
import { TealError } from "./errors.ts";
import { keys } from "./keys.ts";
import type { RouteUpdate, Store, Swap } from "./store.ts";
import { decodeInstance, type Reader } from "./store-records.ts";
import type { Scripts } from "./store-scripts.ts";

type SwapPart = Pick<
  Store,
  | "prepareSwap"
  | "abandonSwap"
  | "commitSwap"
  | "getRoute"
  | "updateRoute"
  | "holdColour"
  | "dropHeld"
>;

/** The two phases of a swap. Routes and events are made here; the scripts pass them on unread. */
export function createSwaps({ run }: Scripts, reader: Reader): SwapPart {
  return {
    async prepareSwap({ app, token }, deploy, swap, { commitMs, holdMs }) {
      const event: RouteEvent = { type: "prepare", app, swap, holdMs };
      await run("prepare-swap", app, token, deploy, swap, commitMs, JSON.stringify(event));
    },
    async abandonSwap({ app, token }, swap) {
      await run("abandon-swap", app, token, swap);
    },
    async commitSwap({ app, token }, swap) {
      const route = await routeOf(app, swap, reader);
      const event: RouteEvent = { type: "route", route, swap: swap.id };
      const fields = [
        swap.deploy,
        swap.id,
        swap.release,
        swap.colour,
        swap.startedBy,
        swap.expectedVersion,
      ];
      const blobs = [JSON.stringify(route), JSON.stringify(event)];
      const lists = listsOf(route, swap);
      const [json] = await run("commit-swap", app, token, ...fields, ...blobs, ...lists);
      return JSON.parse(json as string) as Route;
    },
    async updateRoute({ app, token }, update) {
      const { expectedVersion } = update;
      const json = await reader.field(keys.routes, app);
      // Of an app without a route there is no version to expect: the script refuses.
      const now = json === null ? null : (JSON.parse(json) as Route);
      const targets = await targetsOf(update, reader);
      const { hosts, policy } = update;
      // JSON leaves a policy out that is undefined.
      const route = { ...now, version: expectedVersion + 1, targets, hosts, policy } as Route;
      const event: RouteEvent = { type: "route", route };
      const blobs = [JSON.stringify(route), JSON.stringify(event)];
      const lists = listsOf(route, update);
      const [kept] = await run("update-route", app, token, expectedVersion, ...blobs, ...lists);
      return JSON.parse(kept as string) as Route;
    },
    async holdColour({ app, token }, { deploy, release, colour, targets, note }) {
      await run("hold-colour", app, token, deploy, release, colour, note, ...targets);
    },
    async dropHeld(app) {
      await run("drop-held", app);
    },
    async getRoute(app) {
      const json = await reader.field(keys.routes, app);
      return json === null ? null : (JSON.parse(json) as Route);
    },
  };
}

/**
 * The route that a swap would write. What its targets are is checked by the script: one that has
 * no record, address or health here has none there, and the route is not written.
 */
async function routeOf(app: string, swap: Swap, reader: Reader): Promise<Route> {
  const targets = await targetsOf(swap, reader);
  const { release, colour, deploy, hosts, drainMs, policy } = swap;
  return {
    app,
    version: swap.expectedVersion + 1,
    colour,
    release,
    deploy,
    hosts,
    targets,
    drainMs,
    ...(policy && { policy }),
  };
}

async function targetsOf({ targets }: RouteUpdate, reader: Reader): Promise<Target[]> {
  if (targets.length === 0) throw new TealError("internal", { detail: "a route without targets" });
  const found = (await reader.hashes(targets.map(keys.instance))).map(decodeInstance);
  return found.map(({ id, host = "", port = 0 }) => ({ id, host, port }));
}

/** Number of targets, id and address in the route of each, hosts: for a script to compare with what is. */
function listsOf(route: Route, { targets, hosts }: RouteUpdate): (string | number)[] {
  const addresses = new Map(route.targets.map(({ id, host, port }) => [id, `${host}:${port}`]));
  return [targets.length, ...targets.flatMap((id) => [id, addresses.get(id) ?? ""]), ...hosts];
}
