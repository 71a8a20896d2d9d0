import type { CacheMount, CopyStep, RunStep, Runtime, Stage, Step, TakeStep } from "./plan.ts";

/** Where every app lies in its image. */
export const HOME = "/app";

/** A stage, with what is not said left empty. */
export function stage(
  name: string,
  on: Runtime,
  steps: Step[],
  more: Partial<Pick<Stage, "packages" | "env" | "path">> = {},
): Stage {
  return { name, on, packages: [], env: {}, path: [], ...more, steps };
}

export function copy(files: string[]): CopyStep {
  return { copy: files };
}

/** The last layer of an image that runs what was committed. */
export function copyTree(): CopyStep {
  return { copy: ["."], owned: true };
}

export function run(
  command: string,
  caches: CacheMount[] = [],
  env?: Record<string, string>,
): RunStep {
  return { run: command, caches, ...(env && { env }) };
}

/** The whole of what another stage made of the tree. */
export function takeTree(from: string): TakeStep {
  return { take: `${HOME}/`, from, to: "./", owned: true };
}
