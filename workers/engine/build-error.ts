import type { FailedStep } from "./buildkit.ts";

/** A build that its own steps ended. */
export class BuildError extends Error {
  readonly step: FailedStep | null;
  /** Bytes that all builds together may use, when this one was killed for want of them. */
  readonly outOf: number | null;

  constructor(message: string, step: FailedStep | null, outOf: number | null = null) {
    super(message);
    this.name = "BuildError";
    this.step = step;
    this.outOf = outOf;
  }
}
