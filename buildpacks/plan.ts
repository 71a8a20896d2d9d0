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

/** An app that is built on a base image of ours. */
export interface SourcePlan extends CommonPlan {
  buildpack: "node";
  runtime: Runtime;
  /** Dependencies that the app runs with. */
  install: Step;
  /** Null when the app runs as it was committed. */
  build: Build | null;
  /** Environment of builds and of the running app. */
  tools: Record<string, string>;
  /** Environment of the running app. */
  env: Record<string, string>;
}

/** An app that says itself how it is built. */
export interface DockerfilePlan extends CommonPlan {
  buildpack: "dockerfile";
  /** The Dockerfile's text, as it is given to the builder. */
  dockerfile: string;
  /** Images that its FROM lines name. */
  from: string[];
}

export interface Runtime {
  name: "node";
  /** A semver range. */
  range: string;
  /** Where the range comes from, e.g. "engines.node". */
  from: string;
}

export interface Step {
  /** Files of the tree that the step's result depends on; "." is the whole tree. */
  files: string[];
  run: string;
  caches: CacheMount[];
  /** Folder under the app's folder that the step fills. */
  gives: string;
}

export interface CacheMount {
  name: string;
  target: string;
}

export interface Build {
  /** Dependencies that the build needs. */
  install: Step;
  run: string;
  /** Takes the build's own dependencies away again; used where `install` depends on the whole tree. */
  prune: string;
}

/** One way of building apps. */
export interface Detector {
  name: Plan["buildpack"];
  /** What a person must commit for this detector to match, e.g. "a package.json". */
  looksFor: string;
  /** Null when the tree is not this detector's. @throws PlanError when it is, and cannot be built. */
  plan(tree: Tree): Promise<Plan | null>;
}
