const AUTHORITY = /^(?:[a-z0-9_][a-z0-9_.-]*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/i;
const HTTP = /^http:\/\/([^/?#]*)(.*)$/i;
const HTTPS = /^https:\/\/([^/?#]*)(.*)$/i;

/** True for a host name or address, with or without a port. */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}

/** Lower case, without port and trailing dot. */
export function normalHost(authority: string): string {
  let host = authority.toLowerCase();
  const colon = host.lastIndexOf(":");
  if (colon > host.lastIndexOf("]")) host = host.slice(0, colon);
  return host.endsWith(".") ? host.slice(0, -1) : host;
}

/**
 * The path of a request target; null for one that is wrong or names another host than `authority`.
 */
export function originForm(
  method: string,
  target: string,
  authority: string,
  secure: boolean,
): string | null {
  if (target === "*") return method === "OPTIONS" ? target : null;
  const absolute = (secure ? HTTPS : HTTP).exec(target);
  if (!absolute) return null;
  if (portAndHost(absolute[1] as string, secure) !== portAndHost(authority, secure)) return null;
  const rest = absolute[2] as string;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function portAndHost(authority: string, secure: boolean): string {
  return `${normalHost(authority)}:${portOf(authority, secure)}`;
}

/** The port that the client meant: the authority's own, else 443 or 80. */
export function portOf(authority: string, secure: boolean): string {
  const told = authority.includes(":") ? /:([0-9]{1,5})$/.exec(authority)?.[1] : undefined;
  return told ?? (secure ? "443" : "80");
}
