import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import { constants, createHash } from "node:crypto";
import type { RouteCertificate } from "./contract.ts";

export interface CertificatesOptions {
  /** The private key of a certificate in PEM. Throws when it cannot be opened. */
  openKey(certificate: RouteCertificate): string;
  /** A certificate that cannot be served with. */
  failed(certificate: RouteCertificate, error: Error): void;
}

/** The certificates that a router serves with. */
export interface Certificates {
  /** Takes over all that there are. Connections that are open stay as they are. */
  set(all: RouteCertificate[]): void;
  /** What sessions are resumed by, from now on; null: by what each context makes itself. */
  setTicketKeys(keys: Buffer | null): void;
  /** For a host of an app: null when the app has none for it. */
  contextFor(app: string, host: string): SecureContext | null;
}

/** Each takes OpenSSL some 50 KB; those of hosts that nobody asks for are never made. */
const MAX_CONTEXTS = 2000;

/** TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only. */
const DEFAULTS = {
  minVersion: "TLSv1.2",
  ciphers: [
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
  ].join(":"),
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const;

/** For so long a client may resume a session, in seconds. */
const RESUMED_S = 3600;

/** @throws Error of OpenSSL when certificate and key are none, or do not belong together */
export function contextOf(
  cert: string,
  key: string,
  more: SecureContextOptions = {},
): SecureContext {
  return createSecureContext({ ...DEFAULTS, ...more, cert, key });
}

export function createCertificates({ openKey, failed }: CertificatesOptions): Certificates {
  /** `APP NAME` to certificates, the preferred one first. */
  let byName = new Map<string, RouteCertificate[]>();
  const contexts = new Map<string, SecureContext>();
  let ticketKeys: Buffer | null = null;

  function set(all: RouteCertificate[]): void {
    byName = new Map();
    for (const one of all.toSorted(preferredFirst)) {
      for (const name of one.names) {
        const key = `${one.app} ${name}`;
        const others = byName.get(key);
        if (others) others.push(one);
        else byName.set(key, [one]);
      }
    }
    const ids = new Set(all.map(contextKey));
    for (const key of contexts.keys()) if (!ids.has(key)) contexts.delete(key);
  }

  function contextFor(app: string, host: string): SecureContext | null {
    const wildcard = `*${host.slice(host.indexOf("."))}`;
    const found = [`${app} ${host}`, `${app} ${wildcard}`].flatMap((key) => byName.get(key) ?? []);
    const now = Date.now();
    const inTime = found.filter(({ notAfter }) => notAfter > now);
    for (const one of inTime.length > 0 ? inTime : found) {
      const context = open(one);
      if (context) return context;
    }
    return null;
  }

  function open(one: RouteCertificate): SecureContext | null {
    const key = contextKey(one);
    let context = contexts.get(key);
    if (context) return context;
    try {
      context = contextOf(one.chain, openKey(one), {
        sessionTimeout: RESUMED_S,
        // A session is resumed where it began: at this certificate, of this app.
        sessionIdContext: createHash("sha256").update(key).digest("hex").slice(0, 32),
        ...(ticketKeys ? { ticketKeys } : {}),
      });
    } catch (error) {
      failed(one, error as Error);
      return null;
    }
    if (contexts.size >= MAX_CONTEXTS) contexts.delete(contexts.keys().next().value as string);
    contexts.set(key, context);
    return context;
  }

  return {
    set,
    contextFor,
    setTicketKeys(keys) {
      ticketKeys = keys;
      contexts.clear();
    },
  };
}

const contextKey = ({ app, id }: RouteCertificate) => `${app} ${id}`;

/** What somebody brought goes before what was ordered, then what lasts longer. */
function preferredFirst(a: RouteCertificate, b: RouteCertificate): number {
  if (a.source !== b.source) return a.source === "own" ? -1 : 1;
  return b.notAfter - a.notAfter;
}
