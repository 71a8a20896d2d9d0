import type { NewInstance } from "../apps/store.ts";
import type { AppSettings, Colour, Instance, Release } from "../apps/types.ts";
import type { DeployContext } from "./context.ts";
import { isRetired } from "./hand-over.ts";
import { instanceId } from "./names.ts";

/**
 * How many of each process type are to run: as the app was scaled, else as its app.json says, else
 * one. `release` runs before, and of `web` there is one at least, for the route is never empty.
 */
export function formationOf(
  { processes, defaults }: Pick<Release, "processes" | "defaults">,
  { formation }: Pick<AppSettings, "formation">,
): Record<string, number> {
  const names = Object.keys(processes).filter((name) => name !== "release");
  const wanted = new Map(Object.entries({ ...defaults, ...formation }));
  const count = (name: string) => Math.max(name === "web" ? 1 : 0, wanted.get(name) ?? 1);
  return Object.fromEntries(names.map((name) => [name, count(name)]));
}

/** Whose instances: those that `deploy` started, or that are started beside them. */
export interface Owner {
  deploy: string;
  release: number;
  colour: Colour;
}

/** What there is of a process type, and what there is to be. */
export interface Plan {
  keep: Instance[];
  start: NewInstance[];
  surplus: Instance[];
}

/**
 * The way from the owner's instances of `process` to `count` of them. New ones get indices that
 * none ever had: an id is not used again once its instance is removed.
 */
export async function planProcess(
  { store, namespace, deploy }: DeployContext,
  owner: Owner,
  process: string,
  count: number,
): Promise<Plan> {
  const all = (await store.listInstances(deploy.app)).filter(
    (it) => it.deploy === owner.deploy && it.process === process,
  );
  const prefix = instanceId(namespace, owner.deploy, process, "");
  const removed = (await store.removedInstances(owner.deploy))
    .filter((id) => id.startsWith(prefix) && /^\d+$/.test(id.slice(prefix.length)))
    .map((id) => Number(id.slice(prefix.length)));
  const last = Math.max(0, ...removed, ...all.map((it) => it.index));

  const usable = all.filter((it) => !isRetired(it)).toSorted(byUse);
  const keep = usable.slice(0, count);
  const start = Array.from({ length: count - keep.length }, (_, at) => {
    const index = last + at + 1;
    return { id: instanceId(namespace, owner.deploy, process, index), ...owner, process, index };
  });
  return { keep, start, surplus: usable.slice(count) };
}

export function isReady({ state }: Instance): boolean {
  return state === "healthy" || state === "live";
}

/** Those that are ready first, then the oldest. */
function byUse(a: Instance, b: Instance): number {
  return Number(isReady(b)) - Number(isReady(a)) || a.index - b.index;
}
