import type { Route, RouteEvent, RoutePolicy, RouterReport } from "../router/contract.ts";
import type {
  App,
  AppSettings,
  Colour,
  Deploy,
  FinalState,
  Instance,
  InstanceState,
  Intent,
  Release,
  SettingsChange,
} from "./types.ts";

/** A router's last report. `expired`: its lease has ended, so it is dead, or cut off and serving on. */
export type RouterState = RouterReport & { expired: boolean };

/** Proof that the caller is the app's executor. Every write that carries one is refused (`fenced`) once a newer token exists or the app is being destroyed. */
export interface Claim {
  app: string;
  token: number;
}

/** An instance still to be recorded; the store gives it its address slot. */
export type NewInstance = Pick<
  Instance,
  "id" | "deploy" | "release" | "colour" | "process" | "index"
>;

export type NewRelease = Omit<Release, "n" | "createdAt" | "app">;

export interface Swap {
  id: string;
  deploy: string;
  release: number;
  colour: Colour;
  /** The deploy that started the instances that become live. */
  startedBy: string;
  /** Instances that receive traffic; each healthy or live, none retired. */
  targets: string[];
  /** The route version that the caller has seen; the new one is one more. */
  expectedVersion: number;
  hosts: string[];
  drainMs: number;
  policy?: RoutePolicy | undefined;
}

/** A change of the live route that is no swap: the same release and colour, other targets, hosts or policy. */
export type RouteUpdate = Pick<Swap, "targets" | "expectedVersion" | "hosts" | "policy">;

/** What a deploy leaves in the idle colour. */
export interface HeldColour {
  deploy: string;
  release: number;
  colour: Colour;
  /** Its `web` instances, each healthy. */
  targets: string[];
  /** Kept with the deploy: one sentence on how to go on. */
  note: string;
}

/**
 * The platform's one memory. Every method is one atomic step; none has an effect outside the store.
 * Two implementations (Redis with one Lua script per transition; in memory, for property tests)
 * pass the same contract test. All throw `TealError`.
 */
export interface Store {
  /** @throws bad-app-name, app-exists, app-destroyed */
  createApp(name: string, by: string): Promise<App>;
  getApp(name: string): Promise<App | null>;
  listApps(): Promise<App[]>;
  /**
   * Tombstone: bumps the token, removes route and hosts (event `gone`), cancels queued deploys,
   * marks every instance retired. Twice is once. @throws app-not-found
   */
  destroyApp(name: string, volumes?: boolean): Promise<App>;
  /** Forgets a destroyed app for good, once nothing of it runs. No-op unless `destroying` and the id matches. */
  forgetApp(name: string, id: string): Promise<void>;

  /** What the app is to be; all empty for one that nobody has changed. */
  getSettings(app: string): Promise<AppSettings>;
  /**
   * Domains are claimed at once, and a removed one let go when the route has it no more. With a
   * claim, for an executor alone. @throws app-not-found, app-destroyed, host-taken, fenced
   */
  changeSettings(app: string, change: SettingsChange, claim?: Claim): Promise<AppSettings>;
  /** Whose each host is by claim, in the given order; null: nobody's. */
  hostOwners(hosts: readonly string[]): Promise<(string | null)[]>;

  /**
   * Writes the record of an intent, state `queued`. Older queued deploys that it makes needless
   * (SUPERSEDES) become `superseded`; a rollback also asks the running one to cancel.
   * An intent whose delivery is known already changes nothing and gives the deploy that the first
   * one made. @throws app-not-found, app-destroyed; with `guardOf` also guard-moot (that deploy is
   * not live any more), guard-waits (something newer is queued or running);
   * with `promoteOf` also nothing-held, promote-waits
   */
  requestDeploy(intent: Intent): Promise<Deploy>;
  getDeploy(id: string): Promise<Deploy | null>;
  /** Newest first. */
  listDeploys(app: string, limit: number): Promise<Deploy[]>;
  /** queued: becomes `cancelled` at once; running: is asked to. @throws deploy-not-found, deploy-finished */
  cancelDeploy(id: string, why: string): Promise<Deploy>;
  /** Apps that have a queued or running deploy, or are being destroyed. */
  appsWithWork(): Promise<string[]>;
  /** Whether a deploy of the app runs and nobody has a lease on it. */
  orphaned(app: string): Promise<boolean>;

  /**
   * Takes the app for `leaseMs`, unless another executor's lease still runs (null) or the app has
   * nothing to do (null). Bumps the token. A running deploy left by a dead executor is resumed
   * (attempts + 1); otherwise the queued one starts. More than MAX_ATTEMPTS: it is failed here
   * (unless it already owns the live route, then `live`) and the next is looked at.
   */
  claim(
    app: string,
    executor: string,
    leaseMs: number,
  ): Promise<{ claim: Claim; deploy: Deploy } | null>;
  /** False when the claim is no longer the newest or the app is being destroyed. */
  renew(claim: Claim, executor: string, leaseMs: number): Promise<boolean>;
  /** Ends the lease at once. True when more work waits for the app. */
  release(claim: Claim): Promise<boolean>;

  /** Journal of a deploy: a step's result, written once (a second write of the same step is ignored). @throws fenced */
  recordStep(claim: Claim, deploy: string, step: string, result: unknown): Promise<void>;
  getSteps(deploy: string): Promise<Record<string, unknown>>;
  /** Exactly one final state; finishing a finished deploy with any state changes nothing. @throws fenced */
  finishDeploy(claim: Claim, deploy: string, state: FinalState, error?: string): Promise<void>;

  /** The deploy's release; made once, then the same one. @throws fenced */
  createRelease(claim: Claim, release: NewRelease): Promise<Release>;
  getRelease(app: string, n: number): Promise<Release | null>;
  /** Newest first. */
  listReleases(app: string): Promise<Release[]>;

  /** Records instances in state `created`, each with the lowest free slot from 2 up; those already recorded stay as they are. @throws fenced */
  recordInstances(claim: Claim, instances: NewInstance[]): Promise<Instance[]>;
  /**
   * Moves an instance forward, to `started` or `healthy`, with its address; going backwards or
   * to where it is changes nothing, so that `created` only asks whether it may go on.
   * @throws fenced, instance-retired
   */
  advanceInstance(
    claim: Claim,
    id: string,
    state: "created" | "started" | "healthy",
    address?: { host: string; port: number },
  ): Promise<void>;
  /** All unforgotten instances of the app. */
  listInstances(app: string): Promise<Instance[]>;
  /** Ids of the deploy's instances that are removed: they are never used again. */
  removedInstances(deploy: string): Promise<string[]>;

  /** Phase one of a swap: publishes `prepare`; the commit must follow within `commitMs`. @throws fenced, deploy-cancelled */
  prepareSwap(
    claim: Claim,
    deploy: string,
    swap: string,
    times: { commitMs: number; holdMs: number },
  ): Promise<void>;
  /** Calls a prepared swap off: publishes `unhold`. */
  abandonSwap(claim: Claim, swap: string): Promise<void>;
  /**
   * The swap: one compare-and-set on (token, route version). Writes route, hosts, live and standby,
   * moves the targets to `live`, publishes `route`. If the route is already this deploy's, returns it.
   * Old live becomes standby; what was standby (unless it is what becomes live) is nobody's and may be retired,
   * and so is what was held. Staged config that the release has is staged no more.
   * @throws fenced, route-conflict, hold-expired, instance-retired, deploy-cancelled
   */
  commitSwap(claim: Claim, swap: Swap): Promise<Route>;
  getRoute(app: string): Promise<Route | null>;
  /**
   * Other targets, hosts or policy for the live route, by one compare-and-set on (token, version). Needs no
   * hold: targets are of the live colour. @throws fenced, route-conflict, instance-retired, host-taken
   */
  updateRoute(claim: Claim, update: RouteUpdate): Promise<Route>;

  /** Ends the deploy as `held`, with what it started kept in the idle colour. @throws fenced, deploy-cancelled, instance-retired */
  holdColour(claim: Claim, held: HeldColour): Promise<void>;
  /** Retires what is held. Needs no claim. @throws app-not-found, nothing-held */
  dropHeld(app: string): Promise<void>;

  /**
   * Invariant 5: the recorded decision that these instances will be stopped and never be live again.
   * Clears `standby` if it is theirs. @throws fenced, instance-live
   */
  retire(claim: Claim, ids: string[]): Promise<Instance[]>;
  /** After a retirement anyone may say that the container has stopped, then that it is removed (the record goes). Forward only. */
  markGone(id: string, state: Extract<InstanceState, "stopped" | "removed">): Promise<void>;
  /** Publishes an event that is not a change of state. */
  publish(event: Extract<RouteEvent, { type: "count" | "aside" }>): Promise<void>;

  /** The last report of every router known, those with an ended lease among them. */
  routers(): Promise<RouterState[]>;
}
