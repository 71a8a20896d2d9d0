import type Docker from "dockerode";
import type { Log } from "../../apps/log.ts";
import {
  type BuildBounds,
  type BuildGroups,
  findBuildGroups,
  type StepBounds,
} from "./build-groups.ts";
import { retryEngine } from "./retry.ts";
import { limitSteps } from "./step-limits.ts";

/** What a build that was killed may have wanted more of. */
export interface OutOfMemory {
  /** Bytes. */
  limit: number;
  /** Of all builds together; else of each step. */
  together: boolean;
}

export interface BuildWatch {
  /** Steps are found by the mark that they were promised to have. */
  looksForMark: boolean;
  /** The platform's bound, when a build was killed for want of memory since the watch began. */
  ranOut(): Promise<OutOfMemory | null>;
  end(): Promise<void>;
}

export interface BuildLimits {
  /**
   * Sets the bounds and begins to watch. Where the engine's builds cannot be bounded it does nothing.
   * @param own of this build's steps, which will have `mark` in their environment
   */
  begin(own?: StepBounds & { mark: string }): Promise<BuildWatch>;
}

const NO_WATCH: BuildWatch = {
  looksForMark: false,
  ranOut: async () => null,
  end: async () => {},
};

/**
 * Bounds for builds by the groups that the engine's builder runs them in. A group in common is of the
 * whole machine: whoever builds last has set it. Without one the bounds hold for each step.
 */
export function createBuildLimits(
  docker: Docker,
  bounds: BuildBounds,
  log: Pick<Log, "warn" | "info">,
): BuildLimits {
  let said = false;
  return {
    async begin(own) {
      try {
        const info = await retryEngine(() => docker.info());
        const groups = await findBuildGroups((info as { CgroupDriver?: string }).CgroupDriver);
        return groups.common
          ? await watchCommon(groups, bounds, own)
          : watchApart(groups, bounds, own);
      } catch (error) {
        if (!said) log.warn({ error: String(error) }, "builds have no limits on this machine");
        said = true;
        return NO_WATCH;
      }
    },
  };
}

type Own = (StepBounds & { mark: string }) | undefined;

async function watchCommon(
  groups: BuildGroups,
  bounds: BuildBounds,
  own: Own,
): Promise<BuildWatch> {
  const { common } = groups;
  if (!common) return NO_WATCH;
  await common.set({ memory: bounds.memory, cpus: bounds.cpus ?? Infinity, behindApps: true });
  const before = await common.kills();
  const wanted = own?.memory !== undefined || own?.cpus !== undefined;
  const steps = own && wanted ? limitSteps(groups, own.mark, own) : null;
  return {
    looksForMark: steps !== null,
    ranOut: async () =>
      (await common.kills()) > before ? { limit: bounds.memory, together: true } : null,
    end: async () => steps?.end(),
  };
}

/** Which step had to be killed nobody can say afterwards: its group goes with it. */
function watchApart(groups: BuildGroups, bounds: BuildBounds, own: Own): BuildWatch {
  if (!own) return NO_WATCH;
  const { mark, memory = bounds.memory, cpus = bounds.cpus ?? Infinity } = own;
  const steps = limitSteps(groups, mark, { memory, cpus, behindApps: true });
  return {
    looksForMark: true,
    ranOut: async () =>
      own.memory === undefined && steps.found() ? { limit: memory, together: false } : null,
    end: steps.end,
  };
}
