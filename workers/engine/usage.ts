import { totalmem } from "node:os";
import type Docker from "dockerode";
import { retryEngine, statusOf } from "./retry.ts";

/** What a container has taken up so far, and takes up now. */
export interface ContainerUsage {
  /** Processor time since its start, ns. */
  cpuNs: number;
  /** Since its start: slices of time with something to do under a limit of its processors; and those of them in which it had to wait. */
  periods: number;
  throttled: number;
  /** Bytes, without what the kernel only keeps of files. */
  memory: number;
  /** Bytes; 0 when it may have all there are. */
  limit: number;
  processes: number;
}

interface Stats {
  cpu_stats?: {
    cpu_usage?: { total_usage?: number };
    throttling_data?: { periods?: number; throttled_periods?: number };
  };
  /** Absent of one that is just ending. */
  memory_stats?: { usage?: number; limit?: number; stats?: Record<string, number> };
  pids_stats?: { current?: number };
}

/**
 * One look at a container, without the second that the engine waits when it is asked for a rate.
 * Null of one that does not run, or is not there.
 * @param patience how long the engine may be away
 */
export function createUsage(docker: Docker, patience: { patienceMs?: number } = {}) {
  return async (id: string): Promise<ContainerUsage | null> => {
    try {
      const all = (await retryEngine(
        () => docker.getContainer(id).stats({ stream: false, "one-shot": true }),
        patience,
      )) as Stats;
      const { usage, limit = 0, stats } = all.memory_stats ?? {};
      if (usage === undefined) return null;
      const { cpu_usage, throttling_data } = all.cpu_stats ?? {};
      const ofFiles = stats?.["inactive_file"] ?? stats?.["total_inactive_file"] ?? 0;
      return {
        cpuNs: cpu_usage?.total_usage ?? 0,
        periods: throttling_data?.periods ?? 0,
        throttled: throttling_data?.throttled_periods ?? 0,
        memory: Math.max(0, usage - ofFiles),
        limit: limit < totalmem() ? limit : 0,
        processes: all.pids_stats?.current ?? 0,
      };
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  };
}
