import { domainToASCII } from "node:url";
import type { Settings } from "./config.ts";
import { TealError } from "./errors.ts";

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
/** Two labels at least, the last one not a number: no addresses. */
const HOST = new RegExp(`^(?=.{1,253}$)(?:${LABEL}\\.)+(?!\\d+$)${LABEL}$`);

/** A host as routes have it: lower case, punycode, without port and trailing dot. @throws bad-host */
export function normaliseName(given: string): string {
  const bare = given
    .trim()
    .replace(/:\d{1,5}$/, "")
    .replace(/\.$/, "");
  const host = /[/?#@\\\s]/.test(bare) ? "" : domainToASCII(bare);
  if (!HOST.test(host)) throw new TealError("bad-host", { host: shown(given), detail: "" });
  return host;
}

/** A domain, or `*.` and one for all names with one label before it. @throws bad-host */
export function normaliseDomain(given: string): string {
  const wild = /^\s*\*\./.test(given);
  return wild ? `*.${normaliseName(given.trim().slice(2))}` : normaliseName(given);
}

/**
 * A domain that an app may have. Hosts under the platform's own domain are the platform's to give,
 * and where people reach its dashboard is no app. @throws bad-host
 */
export function normaliseHost(given: string, { domain, publicUrl }: OwnHosts): string {
  const host = normaliseDomain(given);
  if (`.${host}`.endsWith(`.${domain}`) || host === wildcardOver(domain)) {
    const detail = `: names under ${domain} are the platform's, and each app has its own there`;
    throw new TealError("bad-host", { host, detail });
  }
  const { hostname: own } = new URL(publicUrl);
  if (host === own || host === wildcardOver(own)) {
    const detail = `: ${own} is where people reach the platform`;
    throw new TealError("bad-host", { host, detail });
  }
  return host;
}

interface OwnHosts extends Pick<Settings, "domain"> {
  publicUrl: string;
}

/** The wildcard that covers a host: `*.shop.example` for `www.shop.example`. */
export function wildcardOver(host: string): string {
  return host.replace(/^[^.]*/, "*");
}

function shown(given: string): string {
  return given === "" ? "nothing" : `'${given.slice(0, 100)}'`;
}
