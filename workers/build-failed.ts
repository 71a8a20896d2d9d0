import type { BuildOptions } from "../apps/build-options.ts";
import { TealError } from "../apps/errors.ts";
import { PlanError } from "../buildpacks/errors.ts";
import { BuildError } from "./engine/build-error.ts";

/** A shell's status for a command that SIGKILL ended. */
const KILLED = 137;

/** What ended a build, as the one error of builds; what is no fault of the build stays as it is. */
export function buildFailed(error: unknown, { memory }: Pick<BuildOptions, "memory">): unknown {
  if (error instanceof PlanError) return failure(`${error.says} ${error.todo}`, error);
  if (!(error instanceof BuildError)) return error;
  const { step, outOf } = error;
  if (outOf !== null) {
    const mib = Math.round(outOf.limit / 1024 ** 2);
    const whose = outOf.together ? "together" : "each step";
    return failure(
      `${step?.name} was killed: it wanted more memory than builds may use (${mib} MiB ${whose}, TEAL_BUILD_MEMORY)`,
      error,
    );
  }
  if (memory !== undefined && step?.exitCode === KILLED)
    return failure(
      `${step.name} was killed: each step of this app's builds may use ${Math.round(memory / 1024 ** 2)} MiB (build:set memory=)`,
      error,
    );
  if (step === null || step.exitCode === null)
    return failure(step ? `${step.name}: ${step.error}` : error.message, error);
  const last = step.lines.slice(-3).join(" | ");
  return failure(
    `${step.name} ended with exit code ${step.exitCode}${last ? ` (${last})` : ""}`,
    error,
  );
}

function failure(detail: string, cause: Error): TealError {
  return new TealError("build-failed", { detail: detail.replace(/\.$/, "") }, { cause });
}
