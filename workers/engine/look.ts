import { totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type Docker from "dockerode";
import type { ContainerLook, UsageLook } from "../../apps/app-look.ts";
import { isHostPath, type Mount } from "../../apps/mounts.ts";
import { retryEngine, statusOf } from "./retry.ts";
import { createUsage } from "./usage.ts";
import { volumeName } from "./volumes.ts";

/** Between two looks at what only grows, ms. */
const BETWEEN_MS = 1000;
/** Who asks waits: an engine that is away for longer is not there. */
const PATIENCE = { patienceMs: 3000 };

export type EngineLook = ReturnType<typeof createEngineLook>;

/** Looks at containers and volumes, and changes nothing. */
export function createEngineLook(docker: Docker, namespace: string) {
  const usageNow = createUsage(docker, PATIENCE);

  async function usageOf(id: string): Promise<UsageLook | null> {
    const [before, from] = [await usageNow(id), performance.now()];
    await sleep(BETWEEN_MS);
    const [after, to] = [await usageNow(id), performance.now()];
    if (before === null || after === null) return null;
    return {
      cpus: Math.max(0, after.cpuNs - before.cpuNs) / 1e6 / (to - from),
      periods: Math.max(0, after.periods - before.periods),
      throttled: Math.max(0, after.throttled - before.throttled),
      memory: after.memory,
      pids: after.processes,
    };
  }

  return {
    /** Takes a second. Null: there is no such container. */
    async container(id: string, app: string): Promise<ContainerLook | null> {
      try {
        const found = await retryEngine(() => docker.getContainer(id).inspect(), PATIENCE);
        const { State, HostConfig, Config, NetworkSettings, Mounts } = found;
        const prefix = volumeName(namespace, app, "");
        return {
          image: found.Image,
          running: State.Running,
          exitCode: State.ExitCode,
          outOfMemory: State.OOMKilled,
          startedAt: Date.parse(State.StartedAt),
          restarts: found.RestartCount,
          addresses: Object.values(NetworkSettings.Networks).map((one) => one.IPAddress),
          limits: limitsOf(HostConfig),
          mounts: Mounts.map(({ Name, Source, Destination, RW }) => ({
            source: Name?.startsWith(prefix) ? Name.slice(prefix.length) : Source,
            target: Destination,
            writable: RW,
          })),
          env: Config.Env.map((line) => line.split("=", 1)[0] as string).toSorted(),
          usage: State.Running ? await usageOf(id) : null,
        };
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw error;
      }
    },
    /** Where what is mounted lies on this machine; null when it is not there. */
    async folderOf(mount: Mount, app: string): Promise<string | null> {
      if (isHostPath(mount)) return mount.source;
      try {
        const name = volumeName(namespace, app, mount.source);
        return (await retryEngine(() => docker.getVolume(name).inspect(), PATIENCE)).Mountpoint;
      } catch (error) {
        if (statusOf(error) === 404) return null;
        throw error;
      }
    },
  };
}

function limitsOf({ Memory = 0, NanoCpus = 0, PidsLimit }: Docker.HostConfig) {
  return {
    memory: Memory < totalmem() ? Memory : 0,
    cpus: NanoCpus / 1e9,
    pids: Math.max(0, PidsLimit ?? 0),
  };
}
