import { setTimeout as sleep } from "node:timers/promises";
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

interface Found extends AppNetwork {
  id: string;
  created: string;
}

const AGAIN_MS = 100;
const MOST_TRIES = 30;

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
  const nameOf = (app: string) => `${namespace}-${app}`;
  const underWay = new Map<string, Promise<AppNetwork>>();

  /** All of the app's name: the engine does not see to it that there is one. */
  async function list(app: string): Promise<Found[]> {
    const name = nameOf(app);
    const filters = JSON.stringify({ name: [`^${name}$`] });
    const all = await retryEngine(() => docker.listNetworks({ filters }));
    return all
      .filter((one) => one.Name === name)
      .map(({ Id, Created, IPAM }) => {
        const subnet = IPAM?.Config?.[0]?.Subnet ?? "";
        return { id: Id, created: Created, name, base: toNumber(subnet.split("/")[0] ?? "") };
      })
      .toSorted((a, b) => (a.created < b.created ? -1 : 1));
  }

  /** Of two that were made at once, one is about to be removed by whoever made it. */
  async function find(app: string): Promise<AppNetwork | null> {
    for (let tries = 1; ; tries++) {
      const [first = null, ...more] = await list(app);
      if (more.length === 0 || tries === MOST_TRIES) {
        return first && { name: first.name, base: first.base };
      }
      await sleep(AGAIN_MS);
    }
  }

  /** The engine is the arbiter: a range that another network took is refused, and the next is tried. */
  async function create(app: string): Promise<AppNetwork | null> {
    const [first, bits] = pool.split("/");
    const start = toNumber(first ?? "");
    const end = start + 2 ** (32 - Number(bits));
    const taken = await takenSubnets(docker);
    for (let base = start; base + SIZE <= end; base += SIZE) {
      if (taken.has(base)) continue;
      const made = await tryCreate(app, base);
      if (made === "taken") continue;
      return made;
    }
    throw new TealError("no-engine", {
      detail: `no free network of 128 addresses is left in ${pool} (TEAL_NETWORK_POOL)`,
    });
  }

  /** Null: somebody else has made one as well. */
  async function tryCreate(app: string, base: number): Promise<AppNetwork | "taken" | null> {
    const name = nameOf(app);
    try {
      const made = await docker.createNetwork({
        Name: name,
        CheckDuplicate: true,
        Driver: "bridge",
        IPAM: { Driver: "default", Config: [subnetAt(base)] },
        Labels: { "teal.platform": namespace, "teal.app": app },
      });
      if ((await list(app)).length === 1) return { name, base };
      await made.remove();
      return null;
    } catch (error) {
      const text = String(error);
      if (statusOf(error) === 409) return null;
      if (/overlap/i.test(text)) return "taken";
      throw error;
    }
  }

  /** Asked each time: another worker may have destroyed the app, and its name be another app's. */
  async function findOrCreate(app: string): Promise<AppNetwork> {
    for (let tries = 1; tries <= MOST_TRIES; tries++) {
      const network = (await find(app)) ?? (await create(app));
      if (network) return network;
      // Not in step with the other one.
      await sleep(Math.random() * tries * AGAIN_MS);
    }
    throw new TealError("no-engine", { detail: `network ${nameOf(app)} cannot be made` });
  }

  return {
    ensure(app) {
      const ours = underWay.get(app) ?? findOrCreate(app).finally(() => underWay.delete(app));
      underWay.set(app, ours);
      return ours;
    },
    async remove(app) {
      for (const { id } of await list(app)) {
        await docker
          .getNetwork(id)
          .remove()
          .catch((error) => {
            if (statusOf(error) !== 404) throw error;
          });
      }
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
