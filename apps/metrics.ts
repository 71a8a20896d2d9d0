import type { Redis } from "ioredis";
import { inTime } from "./in-time.ts";
import { createFamilies, type Families } from "./metrics-text.ts";
import { readProcesses } from "./process-metrics.ts";
import type { WorkQueue } from "./queue.ts";
import { readRouters } from "./router-sockets.ts";
import type { Store } from "./store.ts";

interface Options {
  redis: Redis;
  queue: Pick<WorkQueue, "counts">;
  store: Pick<Store, "listApps" | "routers">;
  /** Where the routers of this machine have their sockets. */
  runDir: string;
}

const PATIENCE_MS = 1000;
const late = () => new Error("the store took too long");

/**
 * The platform's state in the text format of Prometheus: what every router of this machine says,
 * each with a label of its own, the processes, and the queue. A router that does not answer within a
 * second is shown as down; a store that does not is left out and shown as down.
 */
export function createMetrics({ redis, queue, store, runDir }: Options): () => Promise<string> {
  return async () => {
    const families = createFamilies();
    await addRouters(families, runDir);
    const isUp = await addStore(families).then(
      () => 1,
      () => 0,
    );
    families.add("teal_store_up", "gauge", "1 while Redis answers.", {}, isUp);
    return families.text();
  };

  async function addStore({ add }: Families): Promise<void> {
    const asked = [
      readProcesses(redis),
      queue.counts(),
      store.listApps(),
      store.routers(),
    ] as const;
    const [processes, counts, apps, routers] = await inTime(Promise.all(asked), PATIENCE_MS, late);
    for (const { kind, host, pid, ...one } of processes) {
      const labels = { process: kind, host, pid: String(pid) };
      const { residentBytes, heapBytes, cpuSeconds, startedAt, loopDelaySeconds } = one;
      add("teal_process_resident_bytes", "gauge", "Memory of a process.", labels, residentBytes);
      add("teal_process_heap_bytes", "gauge", "Of that, objects in use.", labels, heapBytes);
      add("teal_process_cpu_seconds_total", "counter", "Processor time.", labels, cpuSeconds);
      add("teal_process_start_seconds", "gauge", "When it started.", labels, startedAt / 1000);
      add(
        ...(["teal_process_loop_delay_seconds", "gauge"] as const),
        "How late its event loop was, 99th percentile of the last ten seconds.",
        labels,
        loopDelaySeconds,
      );
    }
    for (const [state, count] of Object.entries(counts))
      add("teal_queue_jobs", "gauge", "Jobs in the queue.", { state }, count);
    const destroying = apps.filter((app) => app.state === "destroying").length;
    const states = { active: apps.length - destroying, destroying };
    for (const [state, count] of Object.entries(states))
      add("teal_apps", "gauge", "Apps.", { state }, count);
    const live = routers.filter((router) => !router.expired).length;
    add("teal_routers", "gauge", "Router processes whose lease runs.", {}, live);
  }
}

async function addRouters(families: Families, runDir: string): Promise<void> {
  for (const { router, text } of await readRouters(runDir)) {
    const up = text === null ? 0 : 1;
    families.add("teal_router_up", "gauge", "1 when it answers.", { router }, up);
    if (text !== null) families.merge(text, { router });
  }
}
