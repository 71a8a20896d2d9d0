import { clientOf } from "./claims.ts";
import type { RequestHead } from "./request-head.ts";
import { claimedText, forwardedNode, requestText } from "./request-text.ts";
import type { Source, Trust } from "./trust.ts";

/** Makes the heads that apps get from those of one connection. */
export function createHeadMaker(
  source: Source,
  trust: Trust,
  secure: boolean,
): (head: RequestHead, id: string) => string {
  /** The lines about the client that are the same for all its requests. */
  let forwarded: string | null = null;
  return (head, id) => {
    const { claims } = head;
    if (claims === null) {
      forwarded ??= forwardedLines(source.address, secure);
      return requestText(head, forwarded, secure, id);
    }
    const client = clientOf(source, claims, trust);
    return claimedText(head, claims, { address: source.address, client, secure }, id);
  };
}

function forwardedLines(address: string, secure: boolean): string {
  const proto = secure ? "https" : "http";
  return (
    `x-forwarded-for: ${address}\r\nx-real-ip: ${address}\r\nx-forwarded-proto: ${proto}\r\n` +
    `forwarded: for=${forwardedNode(address)};proto=${proto};host=`
  );
}
