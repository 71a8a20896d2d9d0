import { BlockList, isIP, type Socket } from "node:net";

/** A range of addresses. */
export interface Range {
  address: string;
  /** Leading bits that count. */
  prefix: number;
}

/** Where a connection comes from. */
export interface Source {
  address: string;
  /** What it says of its own clients counts. */
  trusted: boolean;
}

export interface Trust {
  trusts(address: string): boolean;
  sourceOf(socket: Socket): Source;
  /** What a proxy in front said of a connection; `sourceOf` tells it from now on. */
  setSource(socket: Socket, address: string): void;
}

/** Knows the proxies in front of the router whose word counts. */
export function createTrust(ranges: readonly Range[]): Trust {
  const list = new BlockList();
  for (const { address, prefix } of ranges) list.addSubnet(address, prefix, familyOf(address));
  const told = new WeakMap<Socket, string>();

  function trusts(address: string): boolean {
    return ranges.length > 0 && isIP(address) !== 0 && list.check(address, familyOf(address));
  }

  return {
    trusts,
    sourceOf(socket) {
      const address = told.get(socket) ?? plainAddress(socket.remoteAddress ?? "unknown");
      return { address, trusted: trusts(address) };
    },
    setSource: (socket, address) => void told.set(socket, plainAddress(address)),
  };
}

/** An IPv4 address that came over IPv6 as itself, and no name of an interface. */
export function plainAddress(address: string): string {
  const bare = address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
  const zone = bare.indexOf("%");
  return zone === -1 ? bare : bare.slice(0, zone);
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}
