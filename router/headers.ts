/** Fields of a request to an app, by lower-case name. */
export type Fields = Record<string, string | string[]>;

const HOP_BY_HOP = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

// Some app servers read `_` as `-`, so a client could slip its own in that way.
const OURS = /^(?:forwarded|x[-_](?:forwarded(?:[-_].*)?|real[-_]ip|request[-_]id))$/;

/** False for what belongs to one connection, and for what only the router may say. */
export function isForwardable(name: string): boolean {
  const first = name.charCodeAt(0);
  if ((first === 0x78 || first === 0x66) && OURS.test(name)) return false;
  return !HOP_BY_HOP.has(name) && name !== "__proto__";
}

export function addField(fields: Fields, name: string, value: string): void {
  const present = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (present === undefined) fields[name] = value;
  else if (typeof present === "string") fields[name] = [present, value];
  else present.push(value);
}

/** Removes the fields that a Connection field names. */
export function dropListed(fields: Fields, listed: string): void {
  for (const name of listed.split(",")) delete fields[name.trim().toLowerCase()];
}

/** What the router says of the client; goes over anything of the same name. */
export interface Client {
  address: string;
  proto: "http" | "https";
  authority: string;
  port: string;
  requestId: string;
}

export function setForwarded(fields: Fields, client: Client): void {
  fields["x-forwarded-for"] = client.address;
  fields["x-real-ip"] = client.address;
  fields["x-forwarded-proto"] = client.proto;
  fields["x-forwarded-host"] = client.authority;
  fields["x-forwarded-port"] = client.port;
  fields["x-request-id"] = client.requestId;
}

/** End-to-end fields of an app's answer, flat (name, value, name, value …), in their order and case. */
export function answerFields(raw: string[], status: number): string[] {
  let listed: Set<string> | null = null;
  const kept: string[] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    if (name === "connection") {
      const lower = value.toLowerCase();
      if (lower === "keep-alive" || lower === "close") continue;
      listed ??= new Set();
      for (const token of lower.split(",")) listed.add(token.trim());
    } else if (!HOP_BY_HOP.has(name) && !(status === 204 && name === "content-length")) {
      kept.push(raw[i] as string, value);
    }
  }
  return listed === null ? kept : withoutListed(kept, listed);
}

function withoutListed(flat: string[], listed: Set<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const name = (flat[i] as string).toLowerCase();
    // The length frames the body, so no Connection field may take it away.
    if (name === "content-length" || !listed.has(name)) {
      kept.push(flat[i] as string, flat[i + 1] as string);
    }
  }
  return kept;
}

const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

/** False for a status line that no HTTP client could be given. */
export function isSoundStatus(status: number | undefined, reason: string | undefined): boolean {
  return status !== undefined && status >= 200 && status <= 599 && REASON.test(reason ?? "");
}
