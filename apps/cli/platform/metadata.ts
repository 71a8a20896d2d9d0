import { chainOf, removeWall, WALL_BY_HAND, wallStands } from "../../metadata-wall.ts";
import type { Finding } from "./doctor-judge.ts";
import { createEngineClient } from "./engine.ts";
import type { Platform } from "./environment.ts";
import { platformSupervisor } from "./up.ts";

const WHAT = "cloud metadata";
const OPEN = "apps and builds reach 169.254.169.254, where a cloud tells this machine's secrets";

/** Whether apps are kept from the metadata service of the cloud that the machine may run in. */
export async function checkMetadata(platform: Platform): Promise<Finding> {
  const { settings, env } = platform;
  if (settings.allowMetadata) {
    return { level: "good", what: WHAT, says: `${OPEN}, as TEAL_ALLOW_METADATA=1 says.` };
  }
  const dockerHost = env["DOCKER_HOST"];
  if (dockerHost && !dockerHost.startsWith("unix://")) {
    return warn(
      `the engine is on another machine. If that runs in a cloud, run there as root: ${byHand(platform)}`,
    );
  }
  if (await createEngineClient(dockerHost).rootless()) {
    return warn(
      `the engine runs without root, past this machine's packet filter: in a cloud ${OPEN}. Let the cloud ask for a hop limit of 1, or use an engine that root runs.`,
    );
  }
  return checkWall(platform);
}

async function checkWall(platform: Platform): Promise<Finding> {
  try {
    const { namespace } = platform.settings;
    if (await wallStands(chainOf(namespace))) {
      return { level: "good", what: WHAT, says: "is out of reach of apps and builds." };
    }
    const states = await platformSupervisor(platform).states();
    if (states.every(({ state }) => state !== "up")) {
      return { level: "good", what: WHAT, says: "'teal up' shuts it to apps and builds." };
    }
    return warn(
      `the rules that shut it are not there (${platform.settings.paths.logs}/worker-1 says why): in a cloud ${OPEN}. The worker makes them within 15 s where it may; by hand, as root: ${byHand(platform)}`,
    );
  } catch (error) {
    return warn(
      `it cannot be shut: ${(error as Error).message}. In a cloud ${OPEN}. It takes iptables (apt-get install -y iptables) and root: ${byHand(platform)}`,
    );
  }
}

const warn = (says: string): Finding => ({ level: "warn", what: WHAT, says });
const byHand = ({ settings }: Platform): string => WALL_BY_HAND(settings.networkPool);

/** Opens the cloud's metadata again, unless apps run on that it is to stay shut to. */
export async function leaveMetadata({ settings, env }: Platform): Promise<void> {
  const { namespace } = settings;
  const engine = createEngineClient(env["DOCKER_HOST"]);
  // An engine that does not answer may have left its containers running.
  const left = await engine.countRunning(`teal.platform=${namespace}`).catch(() => null);
  if (left === 0) await removeWall(chainOf(namespace)).catch(() => false);
}
