import type { Tree } from "./tree.ts";

/** A plan is data: it survives JSON, and holds no path of the machine that made it. */
export type Plan = SourcePlan | DockerfilePlan;

interface CommonPlan {
  /** What was found, e.g. "package.json with package-lock.json". */
  why: string;
  /** Things that a person should know, one sentence each. */
  warnings: string[];
  /** Process type to shell command; an empty command means the image's own. */
  processes: Record<string, string>;
}

export type Language =
  | "node"
  | "python"
  | "ruby"
  | "go"
  | "php"
  | "java"
  | "rust"
  | "deno"
  | "elixir"
  | "dotnet"
  | "static"
  | "classic";

/** An app that is built on base images of ours. */
export interface SourcePlan extends CommonPlan {
  buildpack: Language;
  /** The runtime that people mean when they ask for a version. */
  runtime: Runtime;
  /** In this order; the last one becomes the image that runs. */
  stages: Stage[];
  /** Files that the platform brings, by path, for steps that copy them. */
  files: Record<string, string>;
  /** Repositories whose trees the platform brings, for steps that copy them. */
  repositories?: Repository[];
  /** Patterns of what never enters a build. */
  leavesOut: readonly string[];
}

/** An app that says itself how it is built. */
export interface DockerfilePlan extends CommonPlan {
  buildpack: "dockerfile";
  /** The Dockerfile's text, as it is given to the builder. */
  dockerfile: string;
  /** Images that its FROM lines name. */
  from: string[];
}

export interface Repository {
  /** https alone. */
  url: string;
  /** A branch, a tag or a commit; null: its default branch. */
  ref: string | null;
  /** Where its tree stands among the platform's files. */
  as: string;
}

/** Node to build with, and the smaller one that apps run on. */
export type NodeName = "node" | "node-run";

/** Names of base images; some languages have one to build with and a smaller one to run on. */
export type RuntimeName =
  | NodeName
  | "debian"
  | "static"
  | "python"
  | "python-build"
  | "ruby"
  | "ruby-build"
  | "go"
  | "php"
  | "php-build"
  | "java"
  | "java-run"
  | "maven"
  | "gradle"
  | "rust"
  | "deno"
  | "elixir"
  | "dotnet"
  | "dotnet-build"
  | "classic"
  | "classic-build";

export interface Runtime {
  name: RuntimeName;
  /** A semver range; "*" leaves the choice to the platform. */
  range: string;
  /** Where the range comes from, e.g. "engines.node". */
  from: string;
}

export interface Stage {
  name: string;
  on: Runtime;
  /** Debian packages that this app needs beyond its runtime. */
  packages: string[];
  env: Record<string, string>;
  /** Folders that come first in PATH. */
  path: string[];
  steps: Step[];
}

export type Step = CopyStep | BringStep | TakeStep | RunStep;

/** Copies files of the tree, and what is in folders of it; "." is the whole tree. */
export interface CopyStep {
  copy: string[];
  /** Folder under the app's own; that one itself where it is left out. */
  to?: string;
  /** The app may write to them. */
  owned?: true;
}

/** Copies one of the platform's files to an absolute path. */
export interface BringStep {
  bring: string;
  to: string;
}

/** Copies a folder or file out of an earlier stage. */
export interface TakeStep {
  take: string;
  from: string;
  to: string;
  owned?: true;
}

/** What it reads is what the steps before it have copied. */
export interface RunStep {
  run: string;
  caches: CacheMount[];
  /** For the first command of this step alone. */
  env?: Record<string, string>;
}

/** Kept between the builds of one app. */
export interface CacheMount {
  name: string;
  target: string;
  /** Its tool breaks what another one of its kind reads meanwhile; stages are built side by side. */
  locked?: true;
}

/** One way of building apps. */
export interface Detector {
  name: Plan["buildpack"];
  /** What a person must commit for this detector to match, e.g. "a package.json". */
  looksFor: string;
  /** Null when the tree is not this detector's. @throws PlanError when it is, and cannot be built. */
  plan(tree: Tree): Promise<Plan | null>;
}
