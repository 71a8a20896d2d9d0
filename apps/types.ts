import type { Runtime } from "./runtime.ts";
import type { CronJob } from "./cron.ts";
import type { HealthCheck } from "./checks.ts";
import type { Mount } from "./mounts.ts";
import type { AppOptions, OptionsChange } from "./options.ts";

/**
 * The words of the platform (docs/architecture.md, "Words"). Times are milliseconds since the epoch.
 */
export type Colour = "blue" | "green";

/** The colour that is not `colour`. */
export function otherColour(colour: Colour): Colour {
  return colour === "blue" ? "green" : "blue";
}

/** A colour that runs something: the instances started by `deploy`, serving as `release`. */
export interface Slot {
  colour: Colour;
  /** The release that this slot answers as. A warm rollback gives an old slot a new number. */
  release: number;
  /** The deploy that started the slot's instances. */
  deploy: string;
  since: number;
  /** Of what is held: when it is promoted by itself. */
  promoteAt?: number;
}

export interface App {
  name: string;
  /** Unlike the name, never used again: tells a new app from a destroyed one of the same name. */
  id: string;
  createdAt: number;
  createdBy: string;
  state: "active" | "destroying";
  /** Fencing token: grows with every claim; a write with an older one is refused. */
  token: number;
  /** Version of the app's route; 0 before the first swap. */
  routeVersion: number;
  live: Slot | null;
  standby: Slot | null;
  /** A healthy new version that waits in the idle colour to be promoted. */
  held: Slot | null;
  /** Being destroyed, its volumes go too. */
  removeVolumes?: true;
}

/** What an app is to be, beyond what it is: its releases are made from this. */
export interface AppSettings {
  /** Config that the live release does not have yet: name to sealed value; null takes it away. */
  staged: Record<string, string | null>;
  /** Instances of each process type; one of each that is not named. */
  formation: Record<string, number>;
  /** Hosts besides the app's own under the platform's domain. */
  domains: string[];
  /** New versions wait in the idle colour to be promoted. */
  hold: boolean;
  options: AppOptions;
}

export interface SettingsChange {
  staged?: Record<string, string | null>;
  formation?: Record<string, number>;
  addDomains?: string[];
  removeDomains?: string[];
  hold?: boolean;
  options?: OptionsChange;
}

/** `scale`, `domains` and `routing` change the live route; all others make a release and swap to it. */
export type DeployKind =
  | "push"
  | "rollback"
  | "config"
  | "restart"
  | "promote"
  | "scale"
  | "domains"
  | "routing";
/** `held`: healthy in the idle colour, and kept there. */
export type FinalState = "live" | "held" | "failed" | "cancelled" | "superseded";
export type DeployState = "queued" | "running" | FinalState;

export const FINAL_STATES: readonly FinalState[] = [
  "live",
  "held",
  "failed",
  "cancelled",
  "superseded",
];

/**
 * Which queued deploys a new one makes needless. A push leaves a config change standing: should
 * the push fail, the change is still asked for.
 */
export const SUPERSEDES: Record<DeployKind, readonly DeployKind[]> = {
  push: ["push", "rollback", "restart", "promote"],
  rollback: ["push", "rollback", "config", "restart", "promote"],
  config: ["config", "restart"],
  restart: ["restart"],
  promote: ["promote"],
  scale: ["scale"],
  domains: ["domains"],
  routing: ["routing"],
};

/** What somebody wants to be live. */
export interface Intent {
  app: string;
  kind: DeployKind;
  /** push: the commit to build (40 hex digits); pinned in the app's repository unless there is a `sender`. */
  commit?: string;
  ref?: string;
  /** The webhook sender that asked: a worker makes sure of the commit, and resolves `ref` when there is none. */
  sender?: string;
  /** URL, without credentials, to fetch from what is not in the app's repository. */
  repo?: string;
  /** push: an image to run in place of a commit to build. */
  image?: string;
  /** push: address of a tar archive of the source, which a worker fetches. */
  archive?: string;
  /** push: built without cache, though its image may be there. */
  fresh?: boolean;
  /** push: all that the builder says goes into the log. */
  verbose?: boolean;
  /** Of intents with the same delivery only the first is recorded; the others give its deploy. */
  delivery?: string;
  /** rollback: the release to go back to; promote: the one that is held. */
  toRelease?: number;
  /** rollback: only its image and processes, or only its config. */
  part?: "code" | "config";
  /** rollback: the release command runs once more. */
  runRelease?: boolean;
  /** To be held when it is healthy, not swapped to. */
  hold?: boolean;
  /** push: older code no longer works after it, because of what it does to the app's data. */
  irreversible?: boolean;
  /** With `hold`: promoted by itself when it has been held for so long, ms. */
  promoteAfter?: number;
  /** promote by itself: the deploy that is held. Once, only while it is, and nothing newer waits. */
  promoteOf?: string;
  /** rollback by the guard: the deploy that it watched. Only while that is live, and nothing newer waits. */
  guardOf?: string;
  /** routing: the app's people stopped it, or start it again. */
  stopped?: boolean;
  by: string;
  why: string;
}

export interface Deploy extends Intent {
  /** `APP-SEQ`, e.g. `shop-12`. */
  id: string;
  /** Order of intents within the app, from 1. */
  seq: number;
  state: DeployState;
  createdAt: number;
  startedAt?: number;
  finishedAt?: number;
  /** How often an executor took this deploy up; more than MAX_ATTEMPTS fails it. */
  attempts: number;
  cancelRequested: boolean;
  /** The release that this deploy made, once it has. */
  release?: number;
  /** Final states other than live: one sentence that says why. */
  error?: string;
  /** `superseded`: the deploy that replaced it. */
  supersededBy?: string;
}

/** When a new `web` instance is healthy, where the app says so: the path answers with a status of 2xx. */
export interface StartupCheck {
  path: string;
  /** The beginning of the body holds this. */
  content?: string;
  /** Of one try, ms. */
  timeoutMs: number;
  /** Of all tries, ms. */
  withinMs: number;
}

/** Commands of app.json that a deploy runs besides the release command. */
export interface Scripts {
  /** Before the release command. */
  predeploy?: string;
  /** When it is live; its failure is told and changes nothing. */
  postdeploy?: string;
  /** The same, after the app's first deploy alone. */
  first?: string;
}

/** Immutable; numbered per app from 1. */
export interface Release {
  app: string;
  n: number;
  deploy: string;
  kind: DeployKind;
  /** Empty when the image was made elsewhere. */
  commit: string;
  /** Name and digest of an image that was made elsewhere. */
  from?: string;
  /** Image id, `sha256:…`. */
  image: string;
  imageBytes: number;
  /** Classic buildpacks that were fetched to build it, `https://HOST/PATH#COMMIT`. */
  buildpacks?: string[];
  /** Process type to command; an empty command means the image's own. */
  processes: Record<string, string>;
  formation: Record<string, number>;
  /** What its app.json says of process types that nobody has scaled. */
  defaults?: Record<string, number>;
  /** Of old releases; new ones have `checks`. */
  check?: StartupCheck;
  /** What its app.json says of when an instance is healthy, by process type. */
  checks?: Record<string, HealthCheck[]>;
  scripts?: Scripts;
  /** What its instances may take up, by process type. */
  runtime?: Runtime;
  /** What its app.json says of that; it is in `runtime` where nobody has set another. */
  runtimeDefaults?: Runtime;
  /** Environment of its processes: name to sealed value (apps/secrets.ts). */
  config?: Record<string, string>;
  mounts?: Mount[];
  /** What its app.json wants to run by the clock. */
  cron?: CronJob[];
  /** The TCP port that `web` listens on, also given as `PORT`. */
  port: number;
  createdAt: number;
  by: string;
  why: string;
  /** The release whose image this one took, when it is a rollback. */
  rollbackOf?: number;
  /** The app's own hosts as they were; shown, and not brought back by a rollback. */
  domains?: string[];
  /** Said by its push or its app.json: older code no longer works after it. */
  irreversible?: true;
}

/** Only ever moves to the right (invariant 4). */
export const INSTANCE_LIFE = [
  "created",
  "started",
  "healthy",
  "live",
  "retired",
  "stopped",
  "removed",
] as const;
export type InstanceState = (typeof INSTANCE_LIFE)[number];

export interface Instance {
  /** Deterministic, also the container's name: see `instanceId`. */
  id: string;
  app: string;
  deploy: string;
  /** The release it was started for. */
  release: number;
  colour: Colour;
  process: string;
  /** From 1 within its process type. */
  index: number;
  state: InstanceState;
  /** Address on the app's network, chosen by the store and unique among the app's unremoved instances. */
  slot: number;
  host?: string;
  port?: number;
  /** Route version current at its retirement: routers must have acknowledged it before the stop. */
  retiredVersion?: number;
  retiredAt?: number;
}

/** Not `idle--NAME`: under the platform's domain that is the address of the idle colour of NAME. */
export const APP_NAME = /^(?!idle--)[a-z][a-z0-9-]{0,30}$/;
export const MAX_ATTEMPTS = 3;
