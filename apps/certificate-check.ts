import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import { TealError } from "./errors.ts";

/** What a chain and its key turned out to be. */
export interface Checked {
  /** Certificates in PEM, the app's own first. */
  chain: string;
  /** PKCS #8 in PEM. */
  key: string;
  /** In lower case, some with `*` as their first label. */
  names: string[];
  /** Who issued it, for people. */
  issuer: string;
  /** SHA-256 in hex. */
  fingerprint: string;
  notBefore: number;
  notAfter: number;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;
const MAX_CHAIN = 10;
const MIN_RSA_BITS = 2048;
const NAME = /^(?:\*\.)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/;

function refuse(detail: string, todo: string): TealError {
  return new TealError("bad-certificate", { detail, todo });
}

/**
 * Makes sure that a certificate and its key can serve one of the hosts.
 * @param chain PEM; may hold the key as well when `key` is ""
 * @param hosts of the app @throws bad-certificate
 */
export function checkCertificate(
  { chain, key }: { chain: string; key: string },
  hosts: readonly string[],
  now = Date.now(),
): Checked {
  const certificates = readChain(chain);
  const [leaf] = certificates as [X509Certificate];
  const privateKey = readKey(key === "" ? chain : key);
  checkKey(certificates, privateKey);
  checkOrder(certificates);
  checkTime(leaf, now);
  const names = namesOf(leaf);
  if (!hosts.some((host) => covers(names, host))) {
    throw refuse(
      `A certificate for ${hosts.slice(0, 5).join(" or ")} was expected, and this one is for ${names.slice(0, 5).join(", ")}`,
      "Add the domain to the app first with 'teal domains:add', or use a certificate that covers one of its domains",
    );
  }
  const checked: Checked = {
    chain: certificates.map((one) => one.toString()).join(""),
    key: String(privateKey.export({ type: "pkcs8", format: "pem" })),
    names,
    issuer: issuerOf(leaf),
    fingerprint: leaf.fingerprint256.replaceAll(":", "").toLowerCase(),
    notBefore: leaf.validFromDate.getTime(),
    notAfter: leaf.validToDate.getTime(),
  };
  servable(checked);
  return checked;
}

/** Is `host`, a name or `*.` and a name, among the names, or under one with a `*`? */
export function covers(names: readonly string[], host: string): boolean {
  const wildcard = `*${host.slice(host.indexOf("."))}`;
  return names.includes(host) || (host.indexOf(".") > 0 && names.includes(wildcard));
}

function readChain(text: string): X509Certificate[] {
  const blocks = text.match(BLOCK) ?? [];
  if (blocks.length === 0) {
    const key = text.includes("PRIVATE KEY-----") ? ", and a private key came" : "";
    throw refuse(
      `A certificate in PEM, '-----BEGIN CERTIFICATE-----' and so on, was expected${key}`,
      "Give the certificate first and then the key: 'teal certs:add fullchain.pem privkey.pem'",
    );
  }
  if (blocks.length > MAX_CHAIN) {
    throw refuse(
      `At most ${MAX_CHAIN} certificates were expected, and ${blocks.length} came`,
      "Leave out what does not lead from the app's certificate to its issuer",
    );
  }
  return blocks.map((block, i) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw refuse(`Certificate ${i + 1} of the chain cannot be read`, "Fetch it anew, as PEM");
    }
  });
}

function readKey(text: string): KeyObject {
  if (/ENCRYPTED/.test(text)) {
    throw refuse(
      "A private key without a passphrase was expected, and this one has one",
      "Take it off first: 'openssl pkey -in privkey.pem -out open.pem'",
    );
  }
  const block = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[^-]+-----END [A-Z ]+-----/.exec(text)?.[0];
  try {
    return createPrivateKey(block ?? "");
  } catch {
    throw refuse(
      "A private key in PEM, '-----BEGIN PRIVATE KEY-----' and so on, was expected",
      "Give the key that the certificate was made for",
    );
  }
}

function checkKey(certificates: X509Certificate[], key: KeyObject): void {
  const at = certificates.findIndex((one) => one.checkPrivateKey(key));
  if (at < 0) {
    throw refuse(
      `The private key is not the one of the certificate for ${subjectOf(certificates[0] as X509Certificate)}`,
      "Give the key that the certificate was made for",
    );
  }
  if (at > 0) throw wrongOrder(`the key belongs to certificate ${at + 1}`);
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (key.asymmetricKeyType === "rsa" && bits !== undefined && bits < MIN_RSA_BITS) {
    throw refuse(
      `A key of at least ${MIN_RSA_BITS} bits was expected, and this one has ${bits}`,
      "Order a certificate for a new key",
    );
  }
}

function checkOrder(certificates: X509Certificate[]): void {
  for (let i = 0; i + 1 < certificates.length; i++) {
    const [one, next] = certificates.slice(i) as [X509Certificate, X509Certificate];
    if (one.checkIssued(next) && one.verify(next.publicKey)) continue;
    throw wrongOrder(`${subjectOf(one)} was not issued by ${subjectOf(next)}, which follows it`);
  }
}

function wrongOrder(what: string): TealError {
  return refuse(
    `The app's certificate was expected first, and then each one's issuer; ${what}`,
    "Put the chain in order, as in fullchain.pem: certificate, intermediate, and so on",
  );
}

function checkTime({ validFromDate, validToDate }: X509Certificate, now: number): void {
  if (validToDate.getTime() <= now) {
    throw refuse(
      `A certificate that is valid was expected, and this one ran out at ${validToDate.toISOString()}`,
      "Renew it, and add the new one",
    );
  }
  if (validFromDate.getTime() > now) {
    throw refuse(
      `A certificate that is valid was expected, and this one begins at ${validFromDate.toISOString()}`,
      "Add it then, or set this machine's clock",
    );
  }
}

function namesOf(leaf: X509Certificate): string[] {
  const listed = (leaf.subjectAltName ?? "").split(", ");
  const names = listed.flatMap((entry) => {
    const name = entry.startsWith("DNS:") ? entry.slice(4).toLowerCase() : "";
    return NAME.test(name) ? [name] : [];
  });
  if (names.length > 0) return names;
  throw refuse(
    "A certificate with host names (subjectAltName) was expected, and this one has none",
    "Order one with the domain as a DNS name; clients look at no other field",
  );
}

const lineOf = (name: string, field: string) =>
  name
    .split("\n")
    .find((line) => line.startsWith(`${field}=`))
    ?.slice(field.length + 1);

function subjectOf(certificate: X509Certificate): string {
  return lineOf(certificate.subject ?? "", "CN") ?? "a certificate without a name";
}

function issuerOf({ issuer }: X509Certificate): string {
  const [organisation, name] = [lineOf(issuer, "O"), lineOf(issuer, "CN")];
  return [organisation, name].filter(Boolean).join(" ").slice(0, 100) || "nobody named";
}

function servable({ chain, key }: Checked): void {
  try {
    createSecureContext({ cert: chain, key });
  } catch (error) {
    throw refuse(`OpenSSL refuses the certificate: ${(error as Error).message}`, "Order another");
  }
}
