import type Docker from "dockerode";
import { TealError } from "../../apps/errors.ts";
import { retryEngine, statusOf } from "./retry.ts";

/**
 * An app's network is a /25: the lower half is for instances, at addresses that the store
 * chooses; from the upper half the engine serves one-off containers.
 */
const BITS = 25;
const SIZE = 2 ** (32 - BITS);

export interface AppNetwork {
  name: string;
  /** First address, as a number. */
  base: number;
}

export interface Networks {
  /** The app's own bridge network, made when it is not there. Addresses in it are chosen by the store, never by the engine, so none is given to another container after a restart. */
  ensure(app: string): Promise<AppNetwork>;
  remove(app: string): Promise<void>;
}

/** `base + slot` as dotted text. */
export function addressIn(network: AppNetwork, slot: number): string {
  return toText(network.base + slot);
}

export function createNetworks(
  docker: Docker,
  { namespace, pool }: { namespace: string; pool: string },
): Networks {
  const known = new Map<string, AppNetwork>();
  const nameOf = (app: string) => `${namespace}-${app}`;

  async function find(app: string): Promise<AppNetwork | null> {
    const name = nameOf(app);
    try {
      const info = await retryEngine(() => docker.getNetwork(name).inspect());
      const subnet: string = info.IPAM?.Config?.[0]?.Subnet ?? "";
      return { name, base: toNumber(subnet.split("/")[0] ?? "") };
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  /** The engine is the arbiter: a range that another network took is refused, and the next is tried. */
  async function create(app: string): Promise<AppNetwork> {
    const [first, bits] = pool.split("/");
    const start = toNumber(first ?? "");
    const end = start + 2 ** (32 - Number(bits));
    const taken = await takenSubnets(docker);
    for (let base = start; base + SIZE <= end; base += SIZE) {
      if (taken.has(base)) continue;
      const made = await tryCreate(app, base);
      if (made) return made;
    }
    throw new TealError("no-engine", {
      detail: `no free network of 128 addresses is left in ${pool} (TEAL_NETWORK_POOL)`,
    });
  }

  async function tryCreate(app: string, base: number): Promise<AppNetwork | null> {
    const name = nameOf(app);
    try {
      await docker.createNetwork({
        Name: name,
        CheckDuplicate: true,
        Driver: "bridge",
        IPAM: { Driver: "default", Config: [subnetAt(base)] },
        Labels: { "teal.platform": namespace, "teal.app": app },
      });
      return { name, base };
    } catch (error) {
      const text = String(error);
      if (statusOf(error) === 409) return find(app);
      if (/overlap/i.test(text)) return null;
      throw error;
    }
  }

  return {
    async ensure(app) {
      const cached = known.get(app);
      if (cached) return cached;
      const network = (await find(app)) ?? (await create(app));
      known.set(app, network);
      return network;
    },
    async remove(app) {
      known.delete(app);
      await docker
        .getNetwork(nameOf(app))
        .remove()
        .catch((error) => {
          if (statusOf(error) !== 404) throw error;
        });
    },
  };
}

function subnetAt(base: number) {
  return {
    Subnet: `${toText(base)}/${BITS}`,
    IPRange: `${toText(base + SIZE / 2)}/${BITS + 1}`,
    Gateway: toText(base + 1),
  };
}

async function takenSubnets(docker: Docker): Promise<Set<number>> {
  const networks = await retryEngine(() => docker.listNetworks());
  const subnets = networks.flatMap((n) => (n.IPAM?.Config ?? []).map((c) => c.Subnet ?? ""));
  return new Set(subnets.filter(Boolean).map((subnet) => toNumber(subnet.split("/")[0] ?? "")));
}

function toNumber(dotted: string): number {
  return dotted.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
