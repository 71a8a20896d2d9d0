import { availableParallelism } from "node:os";
import type { Usage } from "../apps/series.ts";
import type { Instance } from "../apps/types.ts";
import type { ContainerUsage } from "./engine/usage.ts";

/**
 * What an instance took up between two looks at its container.
 * @param then null: it was not seen before, so it has started since
 * @param cpus cores that it may have; undefined: all
 */
export function usageBetween(
  { colour, process, index }: Instance,
  then: ContainerUsage | null,
  now: ContainerUsage,
  seconds: number,
  cpus: number | undefined,
): Usage {
  const grown = (of: "cpuNs" | "periods" | "throttled") => Math.max(0, now[of] - (then?.[of] ?? 0));
  const busy = seconds > 0 ? grown("cpuNs") / 1e9 / seconds : 0;
  const periods = grown("periods");
  return {
    colour,
    name: `${process}.${index}`,
    cpu: thousandths(Math.min(busy, availableParallelism())),
    ...(cpus !== undefined && {
      cpus,
      throttled: periods > 0 ? thousandths(Math.min(1, grown("throttled") / periods)) : 0,
    }),
    memory: now.memory,
    limit: now.limit,
  };
}

/** Whether there is nothing new to say of what instances take up, and nothing was asked of them. */
export function isMuchTheSame(before: Record<string, Usage>, now: Record<string, Usage>): boolean {
  const ids = Object.keys(now);
  if (ids.length !== Object.keys(before).length) return false;
  return ids.every((id) => {
    const [then, is] = [before[id], now[id]];
    if (!then || !is || is.requests !== undefined) return false;
    return (
      Math.abs(then.cpu - is.cpu) < 0.05 &&
      Math.abs((then.throttled ?? 0) - (is.throttled ?? 0)) < 0.05 &&
      Math.abs(then.memory - is.memory) < 0.1 * then.memory &&
      then.limit === is.limit
    );
  });
}

function thousandths(value: number): number {
  return Math.round(value * 1000) / 1000;
}
