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
}

interface Stats {
  cpu_stats?: {
    cpu_usage?: { total_usage?: number };
    throttling_data?: { periods?: number; throttled_periods?: number };
  };
  /** Absent of one that is just ending. */
  memory_stats?: MemoryStats;
}

interface MemoryStats {
  usage?: number;
  limit?: number;
  stats?: Record<string, number>;
}

/** Bytes, without what the kernel only keeps of files; null of a container that does not run. */
export function memoryOf({ usage, stats }: MemoryStats = {}): number | null {
  if (usage === undefined) return null;
  return Math.max(0, usage - (stats?.["inactive_file"] ?? stats?.["total_inactive_file"] ?? 0));
}

/** One look at a container, without the second that the engine waits when it is asked for a rate. */
export function createUsage(docker: Docker) {
  return async (id: string): Promise<ContainerUsage | null> => {
    try {
      const stats = (await retryEngine(() =>
        docker.getContainer(id).stats({ stream: false, "one-shot": true }),
      )) as Stats;
      const { limit = 0 } = stats.memory_stats ?? {};
      const memory = memoryOf(stats.memory_stats);
      if (memory === null) return null;
      const { cpu_usage, throttling_data } = stats.cpu_stats ?? {};
      return {
        cpuNs: cpu_usage?.total_usage ?? 0,
        periods: throttling_data?.periods ?? 0,
        throttled: throttling_data?.throttled_periods ?? 0,
        memory,
        limit: limit < totalmem() ? limit : 0,
      };
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  };
}
