import type { SecureContext } from "node:tls";
import { createCertificates, type Certificates } from "./certificates.ts";
import type { RouteCertificate } from "./contract.ts";
import type { ListenerOptions } from "./listener.ts";
import type { AppState } from "./table.ts";

/** What a router needs for TLS. Without it no host has a certificate. */
export interface TlsParts {
  openKey(certificate: RouteCertificate): string;
  /** What proves to an ACME server, by its token, that a host is ours; null when nothing does. */
  answerFor?(host: string, token: string): Promise<string | null>;
  /** The certificate that does. */
  proofFor?(host: string): Promise<SecureContext | null>;
  failed?(certificate: RouteCertificate, error: Error): void;
}

/** Who answers at a host. */
interface Lookup {
  find(host: string): AppState | undefined;
  /** Of the live colours only. */
  findLive(host: string): AppState | undefined;
}

/** What the listeners ask about a host that TLS is spoken for, or is to be. */
export interface HostTls
  extends
    Pick<Certificates, "set" | "setTicketKeys">,
    Pick<ListenerOptions, "contextFor" | "proofFor" | "answerFor"> {}

const TOKEN = /^[A-Za-z0-9_-]{1,200}$/;

/** A host that no app answers at gets neither a certificate nor a proof. */
export function createHostTls({ find, findLive }: Lookup, parts: TlsParts | undefined): HostTls {
  const certificates = createCertificates({
    openKey: parts?.openKey ?? (() => ""),
    failed: parts?.failed ?? (() => undefined),
  });
  return {
    set: certificates.set,
    setTicketKeys: certificates.setTicketKeys,
    contextFor(host) {
      const app = find(host);
      return app ? certificates.contextFor(app.name, host) : null;
    },
    async proofFor(host) {
      const proofFor = parts?.proofFor;
      return findLive(host) && proofFor ? proofFor(host) : null;
    },
    async answerFor(host, token) {
      const answerFor = parts?.answerFor;
      return TOKEN.test(token) && findLive(host) && answerFor ? answerFor(host, token) : null;
    },
  };
}
