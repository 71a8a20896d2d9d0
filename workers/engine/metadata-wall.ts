import { setTimeout } from "node:timers/promises";
import type Docker from "dockerode";
import type { Log } from "../../apps/log.ts";
import { chainOf, raiseWall, removeWall, wallOf } from "../../apps/metadata-wall.ts";

interface Options {
  docker: Docker;
  namespace: string;
  pool: string;
  /** Apps and builds may reach the cloud's metadata: no wall is wanted. */
  allowed: boolean;
  log: Pick<Log, "info" | "warn">;
  /** How often it is looked whether it stands; other programs flush tables. */
  everyMs?: number;
}

const EVERY_MS = 15_000;

export interface MetadataWall {
  /** Makes the wall, or says in the log why there is none. Never throws. */
  ensure(): Promise<void>;
  /** Keeps it until the signal. It stays then, as the apps do: `teal down` takes it away. */
  run(signal: AbortSignal): Promise<void>;
}

/** Keeps apps and builds of this machine from the metadata service of the cloud it may run in. */
export function createMetadataWall({
  docker,
  namespace,
  pool,
  allowed,
  log,
  everyMs = EVERY_MS,
}: Options): MetadataWall {
  let said = "";

  async function ensure(): Promise<void> {
    try {
      if (allowed) await removeWall(chainOf(namespace));
      else if (await raiseWall(wallOf(namespace, pool, await bridgeOf(docker)))) {
        log.info({ pool }, "apps and builds are kept from the cloud's metadata");
      }
      said = "";
    } catch (error) {
      const why = String(error);
      if (!allowed && why !== said) {
        log.warn({ error: why }, "apps and builds may reach the cloud's metadata");
      }
      said = why;
    }
  }

  return {
    ensure,
    async run(signal) {
      while (!signal.aborted) {
        await setTimeout(everyMs, undefined, { signal }).catch(() => {});
        if (!signal.aborted) await ensure();
      }
    },
  };
}

/** The bridge that builds run on; null where the engine was begun without one. */
async function bridgeOf(docker: Docker): Promise<string | null> {
  const found = await docker
    .getNetwork("bridge")
    .inspect()
    .catch(() => null);
  const options = (found as { Options?: Record<string, string> | null } | null)?.Options;
  return options?.["com.docker.network.bridge.name"] ?? null;
}
