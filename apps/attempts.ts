import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { TealError } from "./errors.ts";

export interface Attempts {
  /**
   * Before a secret is looked at. One that has been good from this address lately is always let
   * through, so that a stranger who shares the address shuts nobody out.
   * @throws too-many-tries
   */
  check(secret: string, from: From): void;
  failed(from: From): void;
  passed(secret: string, from: From): void;
}

interface From {
  address: string | null;
  /** The name that the client gave, where the protocol has one. */
  account?: string | undefined;
}

interface Tries {
  failures: number;
  last: number;
}

interface Limits {
  /** Failures that cost nothing, */
  free: number;
  /** after which each doubles the wait, from this, ms */
  firstMs: number;
  /** to this, ms; without a failure for so long, all is forgotten. */
  mostMs: number;
}

const LIMITS: Limits = { free: 10, firstMs: 1000, mostMs: 15 * 60_000 };
/** Addresses, accounts, and good secrets that are remembered; beyond them the oldest goes. */
const ROOM = 10_000;

/** Slows down who tries secrets, by address and by account. In the memory of this process alone. */
export function createAttempts(limits: Limits = LIMITS, now: () => number = Date.now): Attempts {
  const tries = new Map<string, Tries>();
  const good = new Map<string, number>();

  function waitOf(name: string): number {
    const found = tries.get(name);
    if (!found || found.failures < limits.free) return 0;
    const wait = limits.firstMs * 2 ** Math.min(found.failures - limits.free, 30);
    return Math.max(0, found.last + Math.min(wait, limits.mostMs) - now());
  }

  function count(name: string): void {
    const before = tries.get(name);
    const isOld = !before || before.last < now() - limits.mostMs;
    tries.delete(name);
    tries.set(name, { failures: isOld ? 1 : before.failures + 1, last: now() });
    dropOldest(tries);
  }

  return {
    check(secret, from) {
      const since = good.get(digest(secret, from.address));
      if (since !== undefined) return;
      const ms = Math.max(...namesOf(from).map(waitOf));
      if (ms > 0) throw new TealError("too-many-tries", { seconds: Math.ceil(ms / 1000) });
    },
    failed(from) {
      for (const name of namesOf(from)) count(name);
    },
    passed(secret, from) {
      const key = digest(secret, from.address);
      good.delete(key);
      good.set(key, now());
      dropOldest(good);
      if (from.account !== undefined) tries.delete(`account ${from.account}`);
    },
  };
}

function namesOf({ address, account }: From): string[] {
  return [
    `address ${networkOf(address)}`,
    ...(account === undefined ? [] : [`account ${account}`]),
  ];
}

/** Who has one IPv6 address has all of its /64. */
function networkOf(address: string | null): string {
  if (address === null || isIP(address) !== 6) return `${address}`;
  const [head = "", tail] = address.split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  const zeros =
    tail === undefined ? [] : Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}

function digest(secret: string, address: string | null): string {
  return createHash("sha256").update(`${address} ${secret}`).digest("base64url");
}

function dropOldest(map: Map<string, unknown>): void {
  if (map.size <= ROOM) return;
  for (const [oldest] of map) {
    map.delete(oldest);
    return;
  }
}
