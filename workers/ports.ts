import type { BuildOptions } from "../apps/build-options.ts";
import type { LogKind } from "../apps/deploy-log.ts";
import type { Counters } from "../router/contract.ts";
import type { AppJson } from "./app-json.ts";
import type { App, Deploy, Instance, Release } from "../apps/types.ts";

export type Say = (kind: LogKind, text: string) => void;

/** A deploy's log while it is worked on. */
export interface SaidLog {
  say: Say;
  /** Resolves when all that was said is kept. */
  flush(): Promise<void>;
  /** The text without the app's secrets, as `say` writes it. */
  conceal(text: string): string;
}

export interface Built {
  /** Image id, `sha256:…`. */
  image: string;
  imageBytes: number;
  processes: Record<string, string>;
  port: number;
  appJson?: AppJson;
  /** Classic buildpacks that were fetched for it, `https://HOST/PATH#COMMIT`. */
  buildpacks?: string[];
  /** An image that was not built here: its name and digest. */
  from?: string;
}

/** How a build differs from what the tree itself says. */
export interface BuildWish {
  options: BuildOptions;
  /** Config that the build may read: name to sealed value. */
  env: Record<string, string>;
  /** No step is taken from the cache. */
  fresh: boolean;
}

/** An instance whose container runs, with the address that traffic can reach. */
export interface Address {
  host: string;
  port: number;
}

/** A command of a deploy, and what people call it: `release`. */
export interface Command {
  command: string;
  called: "release" | "predeploy" | "postdeploy";
}

export interface Work {
  say: Say;
  signal: AbortSignal;
}

/**
 * All that a deploy does outside the store. Every method may be cut off at any moment and called
 * again: run twice is run once (invariant 12). None decides anything; all throw `TealError`.
 */
export interface Effects {
  /**
   * The commit that the deploy is about, in the app's repository from now on: for a push it is there
   * already, for a webhook it is fetched. @throws fetch-failed, private-address, commit-missing
   */
  fetchSource(deploy: Deploy, work: Work): Promise<string>;
  /** Source tree of the deploy's commit, complete; `done()` removes it. @throws build-failed, fetch-failed */
  checkout(
    deploy: Deploy,
    wish: BuildWish,
    work: Work,
  ): Promise<{ dir: string; done(): Promise<void> }>;
  build(deploy: Deploy, dir: string, wish: BuildWish, work: Work): Promise<Built>;
  /** An image that was made elsewhere, here and tagged as the app's. @throws image-failed, registry-refused */
  takeImage(deploy: Deploy, work: Work): Promise<Built>;
  /** A config value as releases keep it. */
  seal(app: string, name: string, value: string): string;
  /** Names the image so that nothing prunes it while its release is kept. */
  tagImage(app: string, deploy: string, image: string): Promise<void>;
  imageExists(image: string): Promise<boolean>;
  /** Runs a command in a new container of the release's image to its end. @throws release-command-failed, release-command-late */
  runCommand(app: App, release: Release, command: Command, work: Work): Promise<void>;
  /** The engine's own id of the instance's container, made now or there already. */
  createContainer(app: App, instance: Instance, release: Release): Promise<string>;
  /**
   * Starts the container `made`, and no other that the instance may have by now.
   * @throws instance-retired when it has been removed
   */
  startContainer(app: App, instance: Instance, release: Release, made: string): Promise<Address>;
  /** The engine's own id of the instance's container; null when it has none. */
  containerOf(id: string): Promise<string | null>;
  /** Waits until the instance is healthy. @throws check-failed */
  check(app: App, instance: Instance, release: Release, work: Work): Promise<void>;
  /** One look at a warm instance: why it cannot be swapped to, null when it runs at its recorded address and answers. */
  unfit(instance: Instance): Promise<string | null>;
  /** From now on the engine restarts it when it dies. */
  keepRunning(instance: Instance): Promise<void>;
  /**
   * SIGTERM, then SIGKILL after the grace time. A container that is not there is stopped. With
   * `made`, the engine's own id: that one and no other that the instance may have by now.
   */
  stopContainer(id: string, made?: string): Promise<void>;
  removeContainer(id: string, made?: string): Promise<void>;
  /** Network and images of a destroyed app. */
  removeAppRemains(app: string, volumes: boolean): Promise<void>;
}

export interface Acknowledged {
  /** Routers that did not answer in time. */
  silent: string[];
  /** The longest hold of any router, ms. */
  holdMs: number;
  heldRequests: number;
  /** How long requests were held, ms, in no order. */
  waits: number[];
  /** Requests and streams that went on at the old colour. */
  draining: number;
}

/** What a worker hears from the routers. */
export interface Routers {
  /** Resolves when all of `ids` hold the app's new requests, or after `boundMs`. Call before preparing. */
  awaitHeld(swap: string, ids: string[], boundMs: number): Promise<string[]>;
  /** Resolves when all of `ids` route by `version`, or after `boundMs`. Call before committing. */
  awaitFlipped(app: string, version: number, ids: string[], boundMs: number): Promise<Acknowledged>;
  /** The app's counters, by router; those that do not answer within `boundMs` are left out. */
  counts(app: string, ids: string[], boundMs: number): Promise<Map<string, Counters>>;
}
