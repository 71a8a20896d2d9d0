import { totalmem } from "node:os";
import type Docker from "dockerode";
import { retryEngine, statusOf } from "./retry.ts";

/** What a container has taken up so far, and takes up now. */
export interface ContainerUsage {
  /** Processor time since its start, ns. */
  cpuNs: number;
  /** Bytes, without what the kernel only keeps of files. */
  memory: number;
  /** Bytes; 0 when it may have all there are. */
  limit: number;
}

interface Stats {
  cpu_stats: { cpu_usage?: { total_usage?: number } };
  memory_stats: { usage?: number; limit?: number; stats?: Record<string, number> };
}

/** One look at a container, without the second that the engine waits when it is asked for a rate. */
export function createUsage(docker: Docker) {
  return async (id: string): Promise<ContainerUsage | null> => {
    try {
      const stats = (await retryEngine(() =>
        docker.getContainer(id).stats({ stream: false, "one-shot": true }),
      )) as Stats;
      const { usage, limit = 0, stats: kinds } = stats.memory_stats;
      // A container that does not run has no figures.
      if (usage === undefined) return null;
      const cached = kinds?.["inactive_file"] ?? kinds?.["total_inactive_file"] ?? 0;
      return {
        cpuNs: stats.cpu_stats.cpu_usage?.total_usage ?? 0,
        memory: Math.max(0, usage - cached),
        limit: limit < totalmem() ? limit : 0,
      };
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  };
}
