import type { Instance } from "../apps/types.ts";
import type { ContainerState } from "./engine/containers.ts";
import { probe } from "./probe.ts";

interface Containers {
  inspect(id: string): Promise<ContainerState | null>;
}

const PROBE_MS = 1000;

/**
 * Why an instance's container is not what is on record of it, in a few words; null: it runs, at its
 * own address. An address alone says nothing: after a restart it can be another's.
 * @throws Error of the engine
 */
export async function strayed(containers: Containers, instance: Instance): Promise<string | null> {
  const { id, host = "" } = instance;
  const state = await containers.inspect(id);
  if (!state) return "its container is gone";
  if (!state.running) return "its container does not run";
  if (state.addresses.includes(host)) return null;
  const found = state.addresses.filter(Boolean).join(" and ") || "no address";
  return `its container has ${found}, and ${host || "none"} is on record`;
}

/** Why an instance that stands by cannot be swapped to; null: it is what is on record, and it answers. */
export async function unfit(
  containers: Containers,
  instance: Instance,
  hostHeader: string,
): Promise<string | null> {
  const { host = "", port = 0 } = instance;
  const why = await strayed(containers, instance);
  if (why !== null) return why;
  try {
    const { status } = await probe({ host, port }, { hostHeader, timeoutMs: PROBE_MS });
    return status < 500 ? null : `status ${status}`;
  } catch (error) {
    return (error as Error).message;
  }
}
