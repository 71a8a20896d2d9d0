import type { Store } from "../apps/store.ts";
import type { Instance } from "../apps/types.ts";
import { routersThere } from "./acknowledged.ts";
import type { AppNotes } from "./app-notes.ts";
import { isAside, type Patient } from "./checkup-state.ts";
import type { Prober } from "./health.ts";
import { strayed } from "./identity.ts";
import { nameOf } from "./names.ts";
import type { Routers } from "./ports.ts";

export interface WardOptions {
  store: Pick<
    Store,
    | ("getRoute" | "getSettings" | "listInstances")
    | ("listDeploys" | "getSteps" | "routers" | "publish")
  >;
  routers: Pick<Routers, "counts">;
  containers: Prober["containers"] & {
    idOf(id: string): Promise<string | null>;
    restart(id: string, seconds: number): Promise<void>;
    stop(id: string): Promise<void>;
  };
  hostOf(app: string): string;
  notes: Pick<AppNotes, "note">;
}

/** What routers are told holds for so long unless it is told again. */
const ASIDE_MS = 10_000;
/** Routers that have not heard by then send on what they have. */
const HEARD_MS = 500;

export type Ward = ReturnType<typeof createWard>;

/** The instances that are asked how they are, and who is told what of them. */
export function createWard(options: WardOptions) {
  const { store } = options;
  const patients = new Map<string, Patient>();

  function asideOf(app: string): string[] {
    const all = [...patients.values()].filter((it) => it.instance.app === app && isAside(it));
    return all.filter((it) => it.instance.process === "web").map((it) => it.instance.id);
  }

  async function tell(app: string): Promise<void> {
    await store.publish({ type: "aside", app, ids: asideOf(app), forMs: ASIDE_MS });
  }

  /** Routers hear all events in their order: who answers a later one has heard this one. */
  async function heard(app: string): Promise<void> {
    const ids = await routersThere(store);
    await options.routers.counts(app, ids, HEARD_MS);
  }

  /** It runs, at the address that is on record. */
  async function runs(instance: Instance): Promise<boolean> {
    return (await strayed(options.containers, instance)) === null;
  }

  function proberOf(app: string): Prober {
    return { containers: options.containers, hostHeader: options.hostOf(app) };
  }

  function say(instance: Instance, text: string): void {
    const { app, colour, release } = instance;
    options.notes.note(app, { text: `${nameOf(instance)} ${text}`, colour, release });
  }

  return { patients, asideOf, tell, heard, runs, proberOf, say };
}
