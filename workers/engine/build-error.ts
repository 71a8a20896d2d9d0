import type { OutOfMemory } from "./build-limits.ts";
import type { FailedStep } from "./buildkit.ts";

/** A build that its own steps ended. */
export class BuildError extends Error {
  readonly step: FailedStep | null;
  /** The bound on builds, when this one was killed for want of memory. */
  readonly outOf: OutOfMemory | null;

  constructor(message: string, step: FailedStep | null, outOf: OutOfMemory | null = null) {
    super(message);
    this.name = "BuildError";
    this.step = step;
    this.outOf = outOf;
  }
}
