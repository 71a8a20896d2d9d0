import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { BlockList, connect, isIPv4, type Socket } from "node:net";
import { TealError } from "./errors.ts";

/** Connections to hosts that somebody named: only to the public internet, unless that is not wanted. */
export interface Outward {
  /** @throws private-address, Error when the host is unknown or does not answer */
  connect(host: string, port: number): Promise<Socket>;
  /** Addresses of the host, each fit to be connected to. @throws private-address, Error */
  resolve(host: string): Promise<string[]>;
}

const CONNECT_MS = 5000;

/** https://www.iana.org/assignments/iana-ipv4-special-registry: what is not the public internet. */
const NOT_PUBLIC = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix);
}
const GLOBAL_V6 = new BlockList();
GLOBAL_V6.addSubnet("2000::", 3, "ipv6");
/** Teredo and its neighbours, documentation, and 6to4, which carries an IPv4 address. */
for (const [network, prefix] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  NOT_PUBLIC.addSubnet(network, prefix, "ipv6");
}

/** Whether an address (not a name) belongs to the public internet. Mapped and unknown forms do not. */
export function isPublic(address: string): boolean {
  if (isIPv4(address)) return !NOT_PUBLIC.check(address);
  return GLOBAL_V6.check(address, "ipv6") && !NOT_PUBLIC.check(address, "ipv6");
}

/**
 * The address is looked up once, checked, and then connected to itself: what a name stands for a
 * moment later does not matter.
 */
export function createOutward({ allowPrivate }: { allowPrivate: boolean }): Outward {
  async function resolve(host: string): Promise<string[]> {
    const bare = host.replace(/^\[|\]$/g, "");
    const found = await lookup(bare, { all: true, order: "ipv4first" });
    const addresses = found.map(({ address }) => address);
    const wrong = allowPrivate ? undefined : addresses.find((address) => !isPublic(address));
    if (wrong !== undefined) throw new TealError("private-address", { host, address: wrong });
    return addresses;
  }

  return {
    resolve,
    async connect(host, port) {
      let last: unknown = new Error(`${host} has no address`);
      for (const address of (await resolve(host)).slice(0, 4)) {
        const socket = connect({ host: address, port });
        try {
          await once(socket, "connect", { signal: AbortSignal.timeout(CONNECT_MS) });
          return socket;
        } catch (error) {
          socket.destroy();
          last = error;
        }
      }
      throw last;
    },
  };
}
