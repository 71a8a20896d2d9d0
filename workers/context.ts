import type { Crashes } from "../apps/crashes.ts";
import { TealError } from "../apps/errors.ts";
import type { Claim, Store } from "../apps/store.ts";
import type { App, Deploy } from "../apps/types.ts";
import type { Watches } from "../apps/watches.ts";
import type { Effects, Routers, Say } from "./ports.ts";

/** What a worker process lends to every deploy it runs. */
export interface Shop {
  store: Store;
  effects: Effects;
  routers: Routers;
  namespace: string;
  /** Hosts that an app answers at, besides domains of its own. */
  hostsOf(app: string): string[];
  /** The URL to show for an app. */
  urlOf(app: string): string;
  /** The URL of what runs beside an app's live colour. */
  idleUrlOf(app: string): string;
  drainMs: number;
  /** Where releases are put on guard, and what has crashed. */
  watches: Pick<Watches, "open">;
  crashes: Pick<Crashes, "list">;
  /** Told of every named step that is reached (fault injection in tests; nothing otherwise). */
  reach(step: string): void | Promise<void>;
  /** Milliseconds, monotonic. */
  now(): number;
  pause(ms: number): Promise<void>;
}

/** One run of one deploy by one executor. */
export interface DeployContext extends Shop {
  deploy: Deploy;
  claim: Claim;
  say: Say;
  /** Aborted when the claim is lost or the deploy is cancelled. */
  signal: AbortSignal;
}

export async function appOf({ store, deploy }: DeployContext): Promise<App> {
  const app = await store.getApp(deploy.app);
  if (!app) throw new TealError("app-not-found", { name: deploy.app });
  return app;
}

/** `0.4 s`, or `12 ms` under a tenth of a second. */
export function spent(ms: number): string {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
