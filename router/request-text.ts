import { randomUUID } from "node:crypto";
import { CHUNKED, NO_BODY } from "./body.ts";
import { portOf, type RequestHead } from "./request-head.ts";

/** The head that an app gets. `forwarded`: what the router says of the client, up to Forwarded's host. */
export function requestText(head: RequestHead, forwarded: string, secure: boolean): string {
  const { method, path, authority, fields } = head;
  return (
    `${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n${fields}${forwarded}"${authority}"\r\n` +
    `x-forwarded-host: ${authority}\r\nx-forwarded-port: ${portOf(authority, secure)}\r\n` +
    `x-request-id: ${randomUUID()}\r\n${framing(head)}\r\n`
  );
}

function framing({ length, upgrade }: RequestHead): string {
  if (upgrade) return "connection: Upgrade\r\nupgrade: websocket\r\n";
  if (length === CHUNKED) return "transfer-encoding: chunked\r\n";
  return length === NO_BODY ? "" : `content-length: ${length}\r\n`;
}
