import type { Route, RouteEvent, Target } from "../router/contract.ts";
import { TealError } from "./errors.ts";
import { keys } from "./keys.ts";
import type { Store, Swap } from "./store.ts";
import { decodeInstance, type Reader } from "./store-records.ts";
import type { Scripts } from "./store-scripts.ts";

type SwapPart = Pick<Store, "prepareSwap" | "abandonSwap" | "commitSwap" | "getRoute">;

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
      const addresses = new Map(route.targets.map(({ id, host, port }) => [id, `${host}:${port}`]));
      const targets = swap.targets.flatMap((id) => [id, addresses.get(id) ?? ""]);
      const lists = [swap.targets.length, ...targets, ...swap.hosts];
      const [json] = await run("commit-swap", app, token, ...fields, ...blobs, ...lists);
      return JSON.parse(json as string) as Route;
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
  if (swap.targets.length === 0)
    throw new TealError("internal", { detail: "a swap without targets" });
  const found = (await reader.hashes(swap.targets.map(keys.instance))).map(decodeInstance);
  const targets: Target[] = found.map(({ id, host = "", port = 0 }) => ({ id, host, port }));
  const { release, colour, deploy, hosts, drainMs } = swap;
  return {
    app,
    version: swap.expectedVersion + 1,
    colour,
    release,
    deploy,
    hosts,
    targets,
    drainMs,
  };
}
