import { CHUNKED, NO_BODY } from "./body.ts";
import type { Claims } from "./claims.ts";
import { portOf } from "./authority.ts";
import type { RequestHead } from "./request-head.ts";

/** Where a request with claims came from. */
export interface ClaimedFrom {
  /** Of the proxy. */
  address: string;
  /** Of the client itself. */
  client: string;
  /** The proxy came by TLS. */
  secure: boolean;
}

/** The head that an app gets. `forwarded`: what the router says of the client, up to Forwarded's host. */
export function requestText(
  head: RequestHead,
  forwarded: string,
  secure: boolean,
  id: string,
): string {
  const { method, path, authority, fields } = head;
  return (
    `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${fields}${forwarded}"${authority}"\r\n` +
    `x-forwarded-host: ${authority}\r\nx-forwarded-port: ${portOf(authority, secure)}\r\n` +
    `x-request-id: ${id}\r\n${framing(head)}\r\n`
  );
}

/** The same where the client came by a trusted proxy: what that one says is kept, and added to. */
export function claimedText(
  head: RequestHead,
  claims: Claims,
  from: ClaimedFrom,
  id: string,
): string {
  const { method, path, authority, fields } = head;
  const { address, client, secure } = from;
  const proto = secure ? "https" : "http";
  const meant = claims.proto ?? proto;
  const host = claims.host ?? authority;
  const port = claims.port ?? /:([0-9]{1,5})$/.exec(host)?.[1] ?? (meant === "https" ? 443 : 80);
  const before = claims.forwarded === "" ? "" : `${claims.forwarded}, `;
  return (
    `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${fields}` +
    `x-forwarded-for: ${claims.for === "" ? "" : `${claims.for}, `}${address}\r\n` +
    `x-real-ip: ${client}\r\nx-forwarded-proto: ${meant}\r\n` +
    `forwarded: ${before}for=${forwardedNode(address)};proto=${proto};host="${authority}"\r\n` +
    `x-forwarded-host: ${host}\r\nx-forwarded-port: ${port}\r\n` +
    `x-request-id: ${id}\r\n${framing(head)}\r\n`
  );
}

/** An address as Forwarded wants it (RFC 7239, section 6). */
export function forwardedNode(address: string): string {
  return address.includes(":") ? `"[${address}]"` : address;
}

function framing({ length, upgrade, trailers }: RequestHead): string {
  if (upgrade) return "connection: Upgrade\r\nupgrade: websocket\r\n";
  const te = trailers ? "connection: TE\r\nte: trailers\r\n" : "";
  if (length === CHUNKED) return `${te}transfer-encoding: chunked\r\n`;
  return length === NO_BODY ? te : `${te}content-length: ${length}\r\n`;
}
