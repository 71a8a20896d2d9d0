import { isIP } from "node:net";
import { offsets } from "./fields.ts";
import { isAuthority } from "./authority.ts";
import { plainAddress, type Source, type Trust } from "./trust.ts";

/** What a trusted proxy says of the request that it passes on; what makes no sense is left out. */
export interface Claims {
  /** Addresses of X-Forwarded-For, the client's first; empty when there is none. */
  for: string;
  proto: "http" | "https" | null;
  host: string | null;
  port: string | null;
  requestId: string | null;
  /** Elements of Forwarded; empty when there are none. */
  forwarded: string;
}

const PORT = /^[0-9]{1,5}$/;
const REQUEST_ID = /^[!-~]{1,200}$/;
/** Elements whose quotes are all closed, so that what is put behind them is read as more of them. */
const ELEMENTS = /^(?:[^"\\]|"(?:[^"\\]|\\.)*")+$/;
/** Proxies between the client and here whose word is followed. */
const MAX_HOPS = 32;

/** Reads the claims in the head whose `offsets` were read last; `bytes` begin with it. */
export function readClaims(bytes: Buffer): Claims {
  const { count, nameStart, nameEnd, valueStart, valueEnd } = offsets;
  const found = new Map<string, string>();
  for (let i = 0; i < count; i++) {
    const first = (bytes[nameStart[i] as number] as number) | 0x20;
    if (first !== 0x78 && first !== 0x66) continue;
    const name = bytes.toString("latin1", nameStart[i], nameEnd[i]).toLowerCase();
    const value = bytes.toString("latin1", valueStart[i], valueEnd[i]);
    const before = found.get(name);
    found.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  const sound = (name: string, isSound: (value: string) => boolean): string | null => {
    const value = found.get(name);
    return value !== undefined && isSound(value) ? value : null;
  };
  const proto = found.get("x-forwarded-proto")?.toLowerCase();
  return {
    for: found.get("x-forwarded-for") ?? "",
    proto: proto === "http" || proto === "https" ? proto : null,
    host: sound("x-forwarded-host", isAuthority),
    port: sound("x-forwarded-port", (value) => PORT.test(value)),
    requestId: sound("x-request-id", (value) => REQUEST_ID.test(value)),
    forwarded: sound("forwarded", (value) => ELEMENTS.test(value)) ?? "",
  };
}

/**
 * The client's address: of those that the proxies named, beginning with the nearest, the first that
 * is no trusted proxy.
 */
export function clientOf(
  { address, trusted }: Source,
  claims: Claims | null,
  trust: Trust,
): string {
  if (claims === null || !trusted || claims.for === "") return address;
  let client = address;
  for (const hop of claims.for.split(",").slice(-MAX_HOPS).toReversed()) {
    if (!trust.trusts(client)) break;
    const named = plainAddress(hop.trim());
    if (isIP(named) === 0) break;
    client = named;
  }
  return client;
}

/** True for a client that spoke TLS, with the router itself or with the proxy in front of it. */
export function cameByHttps(claims: Claims | null, secure: boolean): boolean {
  return claims === null || claims.proto === null ? secure : claims.proto === "https";
}
